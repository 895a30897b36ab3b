import { problemsOf, type Schema } from "./json-schema.ts";

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** The API description of /openapi.json, to check answers against. */
export class Description {
  readonly text: string;
  readonly document: Document;

  /** @param response the answer of /openapi.json */
  static async of(response: Response): Promise<Description> {
    return new Description(await response.text());
  }

  private constructor(text: string) {
    this.text = text;
    this.document = JSON.parse(text) as Document;
  }

  /** Reads the body of an answer. Returns its problems, one clause each. */
  async problems(response: Response, route: string, method = "get"): Promise<string[]> {
    const { paths, components } = this.document;
    const media = (response.headers.get("content-type") ?? "").replace(/;.*/, "");
    const shape = paths[route]?.[method]?.responses[response.status]?.content?.[media];
    const body = media.endsWith("json") ? await response.json() : await response.text();
    if (shape === undefined) return [`${method} ${route} is not said to answer ${response.status} with ${media}`];
    return problemsOf(body, shape.schema, components.schemas).map((problem) => `${route} ${problem}`);
  }
}
