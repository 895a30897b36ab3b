/** The types of settings and options, each with the values that it accepts and its messages for other values. */
export { listenAddress, origin } from "./values/addresses.ts";
export { autoOr, listOf } from "./values/composed.ts";
export { durationMs, durationNs, integer, percent, size } from "./values/numbers.ts";
export { optionalPath, pathOrStdout } from "./values/paths.ts";
export { expectation, problemOf, typeName } from "./values/problem.ts";
export { cgroup, comm, groupName, pattern, userName } from "./values/processes.ts";
export type { TomlValue, ValueType } from "./values/value-type.ts";
export { boolean, choice } from "./values/words.ts";
