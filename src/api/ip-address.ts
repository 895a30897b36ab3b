/** Recognises IP addresses without node:net, which would load a MiB of code for streams. */
import { regexes } from "zod/mini";

/** Whether the text is an IPv4 address: four decimal numbers. */
export function isIPv4(text: string): boolean {
  return regexes.ipv4.test(text);
}

/** Whether the text is an IPv6 address, in any way to write it, but without a zone. */
export function isIPv6(text: string): boolean {
  // The URL parser knows all ways to write an IPv6 address.
  return /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]`);
}
