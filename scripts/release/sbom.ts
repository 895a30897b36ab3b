import { createHash } from "node:crypto";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { COMPONENTS, type Component } from "../../src/licences.ts";
import { VERSION } from "../../src/version.ts";
import { ARCHES, type Arch } from "../arch.ts";
import type { Library } from "../libraries.ts";

/** What a bill of materials describes. */
export interface Subject {
  arch: Arch;
  binary: Uint8Array;
  libraries: readonly Library[];
  /** Time of the commit, so that each build gives the same bill. */
  time: Date;
  commit: string | null;
}

const SPDX_ID = /^[A-Za-z0-9.-]+$/;

/** CycloneDX 1.6 as JSON: linnix, and everything third-party in the binary, with versions and licences. */
export function sbom({ arch, binary, libraries, time, commit }: Subject): string {
  const bom = new Models.Bom();
  const root = new Models.Component(Enums.ComponentType.Application, "linnix", {
    bomRef: "linnix",
    version: VERSION,
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], sha256(binary)]]),
    licenses: new Models.LicenseRepository([new Models.SpdxLicense("MIT")]),
    properties: new Models.PropertyRepository([
      new Models.Property("linnix:target", `linux-${arch}`),
      ...(commit === null ? [] : [new Models.Property("linnix:commit", commit)]),
    ]),
  });
  bom.metadata.timestamp = time;
  bom.metadata.component = root;
  for (const component of COMPONENTS) {
    const library = libraries.find(({ name }) => name === component.name);
    const part = new Models.Component(Enums.ComponentType.Library, component.name, {
      bomRef: component.name,
      version: component.version ?? undefined,
      licenses: new Models.LicenseRepository([licenceOf(component.licence)]),
      ...purlOf(component, arch, library),
      ...(library && {
        hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], sha256(library.bytes)]]),
      }),
    });
    bom.components.add(part);
    root.dependencies.add(part.bomRef);
  }
  const normalize = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(normalize).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function licenceOf(text: string) {
  if (SPDX_ID.test(text)) return new Models.SpdxLicense(text);
  return text.includes(" OR ") ? new Models.LicenseExpression(text) : new Models.NamedLicense(text);
}

/** Package URL: where a scanner for vulnerabilities finds the component. */
function purlOf({ name, version }: Component, arch: Arch, library: Library | undefined): { purl?: string } {
  if (library !== undefined) {
    const encoded = encodeURIComponent(library.version ?? "");
    return { purl: `pkg:deb/debian/${library.package}@${encoded}?arch=${ARCHES[arch].debian}` };
  }
  // A part of Bun, with no package of its own.
  if (name === "JavaScriptCore") return {};
  const npm = name === "Bun" ? `@oven/bun-linux-${ARCHES[arch].bun}` : name;
  return { purl: `pkg:npm/${npm.replace("@", "%40")}@${version}` };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
