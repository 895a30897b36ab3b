/** The size of a terminal, which changes while a program runs: ioctl_tty(2). */
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/** asm-generic/ioctls.h */
const TIOCGWINSZ = 0x5413n;
/** struct winsize: rows, columns, and two members that are not used. */
const size = new Uint16Array(4);

/** Current number of columns; null if the descriptor is not a terminal, or the terminal does not know its size. */
export function terminalColumns(fd: number): number | null {
  const result = libc().ioctl(fd, TIOCGWINSZ, addressOf(size));
  return result === 0 && size[1] ? size[1] : null;
}

/** Current rows and columns; null if the descriptor is not a terminal, or the terminal does not know its size. */
export function terminalSize(fd: number): { rows: number; columns: number } | null {
  const result = libc().ioctl(fd, TIOCGWINSZ, addressOf(size));
  return result === 0 && size[0] && size[1] ? { rows: size[0], columns: size[1] } : null;
}
