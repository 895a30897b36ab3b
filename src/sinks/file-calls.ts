/** Calls to a filesystem that may never answer: each is made by a thread of the runtime, never by this one. */
import { close, constants, fstat, ftruncate, open, stat } from "node:fs";

export function sizeOf(fd: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fstat(fd, (error, status) => (error ? reject(error) : resolve(status.size)));
  });
}

export function isFifo(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    stat(path, (error, status) => resolve(!error && status.isFIFO()));
  });
}

export function truncateFile(fd: number, length: number): Promise<void> {
  return new Promise((resolve, reject) => {
    ftruncate(fd, length, (error) => (error ? reject(error) : resolve()));
  });
}

export function closeFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    close(fd, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Opens a file to write at its end; one that is new is readable by its owner only. Does not wait for a FIFO's reader.
 * @throws an error whose `code` is the errno's name
 */
export function openToAppend(path: string): Promise<number> {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOCTTY, O_NONBLOCK } = constants;
  const flags = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK;
  return new Promise((resolve, reject) => {
    open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}
