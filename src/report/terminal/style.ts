/** How a text report is written. */
export interface TextStyle {
  color: boolean;
  /** Maximum number of columns of a line; null leaves each line whole, for a file or a pipe. */
  columns: number | null;
}

export type Tone = "good" | "bad" | "doubtful" | "faint" | "strong";

const SGR: Record<Tone, number> = { good: 32, bad: 31, doubtful: 33, faint: 2, strong: 1 };

/** The text in a tone, or unchanged if `color` is false. */
export function paint(text: string, tone: Tone, { color }: Pick<TextStyle, "color">): string {
  return color ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text;
}
