/** Each import with `{ type: "file" }` is a readable path: inside the binary, or on disk if linnix runs from source. */
declare module "*.bpf.o" {
  const path: string;
  export default path;
}

declare module "*.so.1" {
  const path: string;
  export default path;
}

declare module "*.txt" {
  const path: string;
  export default path;
}

/**
 * `build.ts` writes this JSON file, and documents each value. With this declaration, types can be checked before the
 * first build.
 */
declare module "*/build-info.json" {
  export const commit: string | null;
  export const modified: boolean;
  /** The libraries need glibc 2.x. */
  export const glibcMinor: number;
  export const versions: Record<
    "libbpf1" | "libelf1" | "zlib1g" | "citty" | "consola" | "@iarna/toml" | "zod",
    string | null
  >;
}
