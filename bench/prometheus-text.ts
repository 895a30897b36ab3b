/** A sample of a scrape. */
export interface Series {
  name: string;
  /** The text between the braces; empty if there are no labels. */
  labels: string;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;

/** The samples of a text in Prometheus's format. */
export function seriesOf(text: string): Series[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels, value: Number(value) }];
  });
}
