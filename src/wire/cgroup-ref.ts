/** A cgroup of the v2 hierarchy: by its path there (`/system.slice/cron.service`) or by its id (its inode number). */
export type CgroupRef = { path: string } | { id: bigint };
