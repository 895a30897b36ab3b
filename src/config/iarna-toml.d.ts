/** The parser alone: the package's main module brings its stream and its serializer along. */
declare module "@iarna/toml/parse-string" {
  /**
   * @throws {Error} with `fromTOML`, and `line` from 0 and `pos` from 1, where the text is not TOML;
   * a TypeError without them for a date or time that there is not
   */
  export default function parse(text: string): Record<string, unknown>;
}
