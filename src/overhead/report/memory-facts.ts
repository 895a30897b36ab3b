import { formatBytes } from "../../report/format.ts";
import type { Fact } from "../../report/terminal/layout.ts";
import type { OverheadReport } from "../result.ts";

/** Memory of the subject's processes and, for it, in the kernel. */
export function memoryFacts({ memory }: OverheadReport): Fact[] {
  if (memory === null) return [];
  const { rss_avg_bytes, rss_peak_bytes, anon_peak_bytes, file_peak_bytes, pss_peak_bytes, kernel_bytes } = memory;
  const rows: Fact[] = [
    ["resident", `${formatBytes(rss_avg_bytes)} on average, ${formatBytes(rss_peak_bytes)} at most`],
    ["of it", `up to ${formatBytes(anon_peak_bytes)} anonymous, up to ${formatBytes(file_peak_bytes)} pages of files`],
  ];
  if (pss_peak_bytes !== null) {
    rows.push(["its share", `${formatBytes(pss_peak_bytes)} at most, each shared page divided by its users`]);
  }
  if (kernel_bytes !== null) {
    const { rings, maps, programs } = kernel_bytes;
    rows.push([
      "in the kernel",
      `rings ${formatBytes(rings)}, maps ${formatBytes(maps)}, programs ${formatBytes(programs)}`,
    ]);
  }
  return rows;
}
