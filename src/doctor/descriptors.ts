import type { Check } from "./check.ts";
import type { MachineFacts } from "./machine.ts";

/** Descriptors of a collector besides the rings: programs, maps, links, and files that are open for a moment. */
const WANTED_DESCRIPTORS = 80;

/** With fewer descriptors, a collector may still start, but without sampling and without clients of the API. */
export function checkDescriptors({ maxOpenFiles, cpusOnline }: MachineFacts): Check {
  const check = { id: "descriptors", title: "RLIMIT_NOFILE" };
  if (maxOpenFiles === null) return { ...check, status: "info", found: "cannot be read" };
  const wanted = WANTED_DESCRIPTORS + (cpusOnline ?? 1);
  const found = maxOpenFiles === Number.POSITIVE_INFINITY ? "unlimited" : `${maxOpenFiles} descriptors`;
  if (maxOpenFiles >= wanted) return { ...check, status: "ok", found };
  return {
    ...check,
    status: "warn",
    found: `${found}, and collect needs ${wanted}`,
    costs: "samples and answers wait for descriptors, or collect does not start",
    hint: "raise the limit of open files: ulimit -n, LimitNOFILE= of systemd",
  };
}
