const SVG = "http://www.w3.org/2000/svg";
/** Size of the drawing in its own units. The style sheet stretches the drawing. */
const WIDTH = 300;
const HEIGHT = 56;
/** The chart is wide enough for this many values, and for more if there are more. */
const LEAST_VALUES = 12;
/** Height of the chart, as a multiple of the highest value. */
const HEADROOM = 1.1;

export interface ChartValues {
  values: readonly (number | null)[];
  /** A limit to draw as a line; null if there is none. */
  limit: number | null;
  /** Text for screen readers. */
  label: string;
}

/** Figures over time as a line with the area below it. */
export class Chart {
  readonly #svg: SVGSVGElement;
  readonly #area = make("path", "area");
  readonly #line = make("path", "line");
  readonly #limit = make("path", "limit");

  constructor(parent: HTMLElement) {
    this.#svg = make("svg", "chart");
    const attributes = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" };
    for (const [name, value] of Object.entries(attributes)) this.#svg.setAttribute(name, value);
    this.#svg.append(this.#area, this.#line, this.#limit);
    parent.append(this.#svg);
  }

  show({ values, limit, label }: ChartValues): void {
    const known = values.filter((value) => value !== null);
    const top = Math.max(...known, limit ?? 0, Number.MIN_VALUE) * HEADROOM;
    const y = (value: number) => HEIGHT - 1 - (value / top) * (HEIGHT - 2);
    const most = Math.max(values.length, LEAST_VALUES);
    // The latest value is at the right side.
    const x = (index: number) => WIDTH - ((values.length - 1 - index) / (most - 1)) * WIDTH;
    const [lines, areas]: [string[], string[]] = [[], []];
    for (const part of partsOf(values)) {
      const points = part.map(({ index, value }) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`);
      const [first, last] = [part[0]?.index ?? 0, part.at(-1)?.index ?? 0];
      lines.push(`M${points.join("L")}`);
      areas.push(`M${x(first).toFixed(1)} ${HEIGHT}L${points.join("L")}L${x(last).toFixed(1)} ${HEIGHT}Z`);
    }
    this.#line.setAttribute("d", lines.join(""));
    this.#area.setAttribute("d", areas.join(""));
    this.#limit.setAttribute("d", limit === null ? "" : `M0 ${y(limit).toFixed(1)}H${WIDTH}`);
    this.#svg.setAttribute("aria-label", label);
  }
}

interface Point {
  index: number;
  value: number;
}

/** The runs of consecutive known values. */
function partsOf(values: readonly (number | null)[]): Point[][] {
  const parts: Point[][] = [];
  let part: Point[] | undefined;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      part = undefined;
      continue;
    }
    if (part === undefined) {
      part = [];
      parts.push(part);
    }
    part.push({ index, value });
  }
  return parts;
}

function make<Name extends keyof SVGElementTagNameMap>(name: Name, className: string): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(SVG, name);
  made.setAttribute("class", className);
  return made;
}
