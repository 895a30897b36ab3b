/** The columns before the text of a line. On a narrow terminal the less important ones are left out. */
export interface Columns {
  time: "full" | "short" | "none";
  ppid: boolean;
  uid: boolean;
}

/** The texts of the columns. */
export interface ColumnValues {
  /** Hours to microseconds. */
  time: string;
  type: string;
  pid: string;
  ppid: string;
  uid: string;
}

const ALL: Columns = { time: "full", ppid: true, uid: true };
/** The columns to show, by the least width of the terminal. */
const BY_WIDTH: readonly (readonly [from: number, columns: Columns])[] = [
  [80, ALL],
  [70, { ...ALL, uid: false }],
  [60, { time: "full", ppid: false, uid: false }],
  [50, { time: "short", ppid: false, uid: false }],
  [0, { time: "none", ppid: false, uid: false }],
];
const FULL_TIME = 15;
const SHORT_TIME = 8;
const HEADING: ColumnValues = { time: "TIME", type: "TYPE", pid: "PID", ppid: "PPID", uid: "UID" };

/** @param width columns of the terminal; 0 if the output is not a terminal, which shows all columns */
export function columnsFor(width: number): Columns {
  if (width === 0) return ALL;
  return BY_WIDTH.find(([from]) => width >= from)?.[1] ?? ALL;
}

/** The columns before the text of a line, with a space at the end. */
export function columnsText({ time, ppid, uid }: Columns, values: ColumnValues): string {
  const timeWidth = time === "full" ? FULL_TIME : SHORT_TIME;
  const timeText = time === "none" ? "" : `${values.time.slice(0, timeWidth).padEnd(timeWidth)} `;
  // "sample" is wider than the other types, so the column of the pid is narrower in its lines.
  const typeAndPid = `${values.type} ${values.pid.padStart(12 - values.type.length)} `;
  const ppidText = ppid ? `${values.ppid.padStart(8)} ` : "";
  return `${timeText}${typeAndPid}${ppidText}${uid ? `${values.uid.padStart(6)} ` : ""}`;
}

export function headingText(columns: Columns): string {
  return `${columnsText(columns, HEADING)}COMMAND`;
}
