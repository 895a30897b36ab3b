import * as z from "zod/mini";
import { once } from "./scalar.ts";
import type { ValueType } from "./value-type.ts";

/** `auto`, or a value of `type`. */
export function autoOr<T>(type: ValueType<T>): ValueType<T | "auto"> {
  const isAuto = (value: unknown): value is "auto" => value === "auto";
  return {
    ...type,
    expected: `auto, or ${type.expected}`,
    schema: once(
      () =>
        z.pipe(
          z.unknown(),
          z.transform((value, context) => {
            if (isAuto(value)) {
              return value;
            }
            const result = type.schema().safeParse(value);
            if (!result.success) {
              context.issues.push(...(result.error.issues as unknown as typeof context.issues));
              return z.NEVER;
            }
            return result.data;
          }),
        ) as unknown as z.ZodMiniType<T | "auto">,
    ),
    toToml: (value) => (isAuto(value) ? value : type.toToml(value as NonNullable<T>)),
  };
}

/** A list of values of `type` without repetition. If `order` is given, the values get the same order. */
export function listOf<T>(
  type: ValueType<T>,
  options: { min?: number; max: number; order?: readonly T[]; commas?: false },
): ValueType<T[]> {
  const { min = 0, max, order, commas = true } = options;
  return {
    expected: `a list of ${min} to ${max} values, each ${type.expected}`,
    itemExpected: type.expected,
    schema: once(
      () =>
        z.pipe(
          z
            .array(type.schema())
            .check(z.minLength(min, "an empty list"), z.maxLength(max, `has more than ${max} values`)),
          z.transform((values: T[]) => {
            const different = [...new Set(values)];
            return order ? order.filter((value) => different.includes(value)) : different;
          }),
        ) as unknown as z.ZodMiniType<T[]>,
    ),
    fromText: type.fromText,
    toToml: (values) => values.map((value) => type.toToml(value as NonNullable<T>) as string | number),
    list: true,
    commas,
    ...(type.choices && { choices: type.choices }),
  };
}
