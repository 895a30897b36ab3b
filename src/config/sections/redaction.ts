import { RECOMMENDED_PATTERNS } from "../recommended-redaction.ts";
import type { Section } from "../section.ts";
import { boolean, listOf, pattern } from "../values.ts";

export interface RedactionSettings {
  /** Whether arguments are hidden: all of them, or what the patterns match. */
  redact: boolean;
  /** Regular expressions that match what to hide in arguments, as text. */
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
      doc: "hide arguments (all but the first)",
      details: [
        "With patterns, linnix hides only what they match. It shows [redacted], and stores hidden text nowhere.",
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
        "It sees the arguments joined by single spaces, the first one included. If the expression has groups, only",
        "what they match is hidden: ['--password[ =](\\S+)'] keeps the name of the option.",
        "Recommended (docs/configuration.md says what they hide):",
        ...RECOMMENDED_PATTERNS.map((text) => `  '${text}',`),
      ],
    },
  },
};
