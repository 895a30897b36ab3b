/** The types that settings and options can have, each with what it takes and how it says what is wrong. */
export { listenAddress, origin } from "./values/addresses.ts";
export { autoOr, listOf } from "./values/composed.ts";
export { durationMs, durationNs, integer, percent, size } from "./values/numbers.ts";
export { optionalPath, pathOrStdout } from "./values/paths.ts";
export { expectation, problemOf, typeName } from "./values/problem.ts";
export { cgroup, comm, groupName, pattern, userName } from "./values/processes.ts";
export type { TomlValue, ValueType } from "./values/value-type.ts";
export { boolean, choice } from "./values/words.ts";
