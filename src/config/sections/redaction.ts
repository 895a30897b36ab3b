import { RECOMMENDED_PATTERNS } from "../recommended-redaction.ts";
import type { Section } from "../section.ts";
import { boolean, listOf, pattern } from "../values.ts";

export interface RedactionSettings {
  /** Whether arguments are hidden: all but the first, or only the parts that the patterns match. */
  redact: boolean;
  /** Regular expressions, as text, that match the parts of arguments to hide. */
  patterns: string[];
}

export const redaction: Section<RedactionSettings> = {
  name: "redaction",
  title: "Redaction of command lines",
  keys: {
    redact: {
      toml: "redact",
      flag: "redact",
      hint: "BOOL",
      type: boolean,
      default: false,
      doc: "hide all arguments but the first",
      details: [
        "With patterns, linnix hides only the parts that they match. It replaces hidden text by [redacted], and does not",
        "store the hidden text.",
      ],
    },
    patterns: {
      toml: "patterns",
      flag: "redact-pattern",
      hint: "REGEX...",
      type: listOf(pattern, { max: 32, commas: false }),
      default: [],
      doc: "hide only the parts of arguments that match this regular expression",
      rare: true,
      details: [
        "linnix matches the expression against all arguments, including the first, joined by single spaces. If the",
        "expression has groups, only the parts that the groups match are hidden: ['--password[ =](\\S+)'] keeps the",
        "name of the option.",
        "Recommended (docs/configuration.md explains what they hide):",
        ...RECOMMENDED_PATTERNS.map((text) => `  '${text}',`),
      ],
    },
  },
};
