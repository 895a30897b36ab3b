/** Third-party software in the binary, and its licences. */
import { readFileSync } from "node:fs";
import { versions } from "../.build/build-info.json";
import licences from "../.build/licences.txt" with { type: "file" };

/** One piece of third-party software inside the binary. */
export interface Component {
  name: string;
  /** The version as the publisher or the distribution writes it; null if the build could not find it. */
  version: string | null;
  /** SPDX expression; words if there is no such expression. */
  licence: string;
}

/** All embedded third-party software. THIRD-PARTY-NOTICES lists the same for readers of the repository. */
export const COMPONENTS: readonly Component[] = [
  { name: "Bun", version: Bun.version, licence: "MIT, with parts under other licences" },
  { name: "JavaScriptCore", version: `of Bun ${Bun.version}`, licence: "LGPL-2.0-or-later" },
  { name: "libbpf", version: versions.libbpf1, licence: "LGPL-2.1-only OR BSD-2-Clause" },
  { name: "libelf", version: versions.libelf1, licence: "LGPL-3.0-or-later OR GPL-2.0-or-later" },
  { name: "zlib", version: versions.zlib1g, licence: "Zlib" },
  { name: "citty", version: versions.citty, licence: "MIT" },
  { name: "consola", version: versions.consola, licence: "MIT" },
  { name: "@iarna/toml", version: versions["@iarna/toml"], licence: "ISC" },
  { name: "zod", version: versions.zod, licence: "MIT" },
];

/** The full text of every licence that applies to the binary, linnix's own first. */
export function licencesText(): string {
  return readFileSync(licences, "utf8");
}
