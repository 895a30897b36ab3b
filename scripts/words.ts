/** Words that the language rules exclude. */
const EXCLUDED =
  /\b(?:mend(?:s|ed|ing)?|told|tells?|telling|whom|whoever|nobody|somebody|anew|dear(?:er|est)?|at hand|as of now|in vain|for want of|so many)\b/gi;
/** Test titles are the only text of a test file that counts. */
const TEST_TITLE = /\b(?:test|describe|titled)\S*\(\s*(["'`])(.*?)\1/g;

export interface ExcludedWord {
  line: number;
  word: string;
}

/** Every excluded word of a file, with its line. In a test file, only test titles count. */
export function wordsIn(text: string, path: string): ExcludedWord[] {
  const isTest = path.startsWith("test/");
  return text.split("\n").flatMap((line, number) => {
    const read = isTest ? Array.from(line.matchAll(TEST_TITLE), ([, , title]) => title).join(" ") : line;
    return Array.from(read.matchAll(EXCLUDED), ([word]) => ({ line: number + 1, word: word.toLowerCase() }));
  });
}
