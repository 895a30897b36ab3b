/** Only the parser. The main module of the package would also load a parser of streams and the serializer. */
declare module "@iarna/toml/parse-string" {
  /**
   * @throws {Error} with `fromTOML`, and `line` from 0 and `pos` from 1, if the text is not TOML;
   * a TypeError without these fields for a date or time that does not exist
   */
  export default function parse(text: string): Record<string, unknown>;
}
