/** How a terminal passes on typed keys: ioctl_tty(2), termios(3). */
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/* asm-generic/ioctls.h */
const TCGETS = 0x5401n;
const TCSETS = 0x5402n;
const TIOCGPGRP = 0x540fn;
/** sizeof(struct termios) of asm-generic/termbits.h: four words of flags, the line discipline, 19 characters. */
const TERMIOS_BYTES = 36;
const INPUT_FLAGS = 0;
const LOCAL_FLAGS = 3;
const CHARACTERS = 17;
const VQUIT = 1;
const VTIME = 5;
const VMIN = 6;

/** IXON, ICRNL, IGNCR, INLCR, ISTRIP, BRKINT: flags that change or swallow input bytes, such as Ctrl-S. */
const INPUT_CHANGES = 0x400 | 0x100 | 0x80 | 0x40 | 0x20 | 0x2;
/** IEXTEN, ECHO, ICANON. ISIG stays: Ctrl-C and Ctrl-Z reach the whole process group, sudo included. */
const LOCAL_CHANGES = 0x8000 | 0x8 | 0x2;

/** A process in the background is stopped when it writes, as after `stty tostop`. */
const TOSTOP = 0x100;

/** The terminal's mode, to be restored later; null if the descriptor is not a terminal. */
export function terminalMode(fd: number): Uint8Array | null {
  const mode = new Uint8Array(TERMIOS_BYTES);
  return libc().ioctl(fd, TCGETS, addressOf(mode)) === 0 ? mode : null;
}

/** Sets the terminal's mode. @returns whether the terminal accepted it */
export function setTerminalMode(fd: number, mode: Uint8Array): boolean {
  return libc().ioctl(fd, TCSETS, addressOf(mode)) === 0;
}

/**
 * A copy of the mode in which the terminal passes on each key immediately and does not show it. Ctrl-C and Ctrl-Z are
 * still signals.
 */
export function keyMode(mode: Uint8Array): Uint8Array {
  const changed = mode.slice();
  const words = new Uint32Array(changed.buffer, 0, 4);
  words[INPUT_FLAGS] = (words[INPUT_FLAGS] as number) & ~INPUT_CHANGES;
  words[LOCAL_FLAGS] = (words[LOCAL_FLAGS] as number) & ~LOCAL_CHANGES;
  // A core dump is useless here, and would not restore the terminal.
  changed[CHARACTERS + VQUIT] = 0;
  changed[CHARACTERS + VMIN] = 1;
  changed[CHARACTERS + VTIME] = 0;
  return changed;
}

const group = new Int32Array(1);

/** Whether this process is in the terminal's foreground. In the background, a change of the mode would stop it. */
export function isForeground(fd: number): boolean {
  return libc().ioctl(fd, TIOCGPGRP, addressOf(group)) === 0 && group[0] === libc().getpgid(0);
}

/** Whether this process may write to the terminal without being stopped. */
export function canWrite(fd: number): boolean {
  const mode = terminalMode(fd);
  if (mode === null) return false;
  const stopsWriters = ((new Uint32Array(mode.buffer, 0, 4)[LOCAL_FLAGS] as number) & TOSTOP) !== 0;
  return !stopsWriters || isForeground(fd);
}
