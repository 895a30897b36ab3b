/**
 * A cgroup of the v2 hierarchy: by its path in that hierarchy (`/system.slice/cron.service`) or by its id (its inode
 * number).
 */
export type CgroupRef = { path: string } | { id: bigint };
