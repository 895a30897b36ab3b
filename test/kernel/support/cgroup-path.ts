/**
 * Prints the paths of cgroups as another user or in another namespace, where the tests themselves cannot run.
 *
 *   bun cgroup-path.ts ID PID…    one line of JSON: { mount, paths }
 */
import { readCgroupMounts } from "../../../src/cgroup/cgroup-mount.ts";
import { CgroupNames } from "../../../src/cgroup/cgroup-names.ts";

const mounts = readCgroupMounts();
using names = CgroupNames.open(mounts);
const [id = "0", ...pids] = process.argv.slice(2);
const halves = [Number(BigInt(id) >> 32n), Number(BigInt(id) & 0xffffffffn)] as const;
const paths = pids.map((pid) => names?.pathOf(...halves, Number(pid)) ?? null);
console.log(JSON.stringify({ mount: mounts.v2, paths }));
