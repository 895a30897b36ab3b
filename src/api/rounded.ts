/** A figure with the decimals that matter; null stays null. */
export function rounded<T extends number | null>(value: T, decimals: number): T {
  return (value === null ? null : Number(value.toFixed(decimals))) as T;
}
