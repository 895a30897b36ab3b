/** A place in the plot of a chart. */
export interface Place {
  x: number;
  y: number;
}

/** A rectangle. `x` and `y` are its upper left corner. */
export interface Box extends Place {
  width: number;
  height: number;
}

/** A label that belongs to a place, with the width of its text. */
export interface WantedLabel {
  at: Place;
  width: number;
}

export interface LabelSpace {
  width: number;
  height: number;
  /** Places with marks on them, which no label covers. */
  marks: readonly Place[];
  /**
   * Lines that a label must not cover if it has another place. The lines from other labels to their marks are treated
   * in the same way.
   */
  lines: readonly (readonly [Place, Place])[];
}

export const LABEL_HEIGHT = 14;
const MARK_RADIUS = 7;
const STEP = LABEL_HEIGHT / 2;
/** Penalties for a box, in units of distance: it covers a line, or its own line crosses another label or a mark. */
const OVER_LINE = 12;
const THROUGH_LABEL = 80;
const THROUGH_MARK = 30;
/** Distance between the points of a line that are checked for overlaps. */
const LINE_STEP = 3;

/**
 * Finds a box for each label, near its place. Boxes do not overlap, cover no marks and stay within the space. A label
 * gets null if there is no room left. Labels at the beginning of the list choose first.
 */
export function placeLabels(labels: readonly WantedLabel[], space: LabelSpace): (Box | null)[] {
  const marks = space.marks.map(({ x, y }) => ({
    x: x - MARK_RADIUS,
    y: y - MARK_RADIUS,
    width: 2 * MARK_RADIUS,
    height: 2 * MARK_RADIUS,
  }));
  const dots = space.lines.flatMap(([from, to]) => dotsBetween(from, to));
  const taken: Box[] = [];
  return labels.map((label) => {
    const free = candidates(label, space).filter(
      (box) => isWithin(box, space) && ![...marks, ...taken].some((other) => overlap(box, other)),
    );
    const costOf = (box: Box): number => {
      const leader = dotsBetween(label.at, nearestPoint(box, label.at));
      const isCrossing = (others: readonly Box[]): boolean =>
        leader.some((dot) => others.some((other) => holds(other, dot) && !holds(other, label.at)));
      return (
        distance(box, label.at) +
        (dots.some((dot) => holds(box, dot)) ? OVER_LINE : 0) +
        (isCrossing(taken) ? THROUGH_LABEL : 0) +
        (isCrossing(marks) ? THROUGH_MARK : 0)
      );
    };
    const [box = null] = free
      .map((each) => ({ each, cost: costOf(each) }))
      .sort((a, b) => a.cost - b.cost)
      .map(({ each }) => each);
    if (box !== null) {
      taken.push(box);
      dots.push(...dotsBetween(label.at, nearestPoint(box, label.at)));
    }
    return box;
  });
}

/** Possible boxes for a label, all over the space. */
function candidates({ at, width }: WantedLabel, space: LabelSpace): Box[] {
  const beside = MARK_RADIUS + 1;
  const shifts = Array.from({ length: Math.ceil(space.width / 20) + 1 }, (_, index) => index * 20);
  const lefts = [
    at.x - width / 2,
    ...shifts.flatMap((shift) => [at.x + beside + shift, at.x - beside - width - shift]),
    // A label that is as wide as the space may fit only here.
    0,
  ];
  const rows = Math.ceil(space.height / STEP);
  const tops = Array.from({ length: 2 * rows + 1 }, (_, index) => at.y - LABEL_HEIGHT / 2 + (index - rows) * STEP);
  return tops.flatMap((y) => lefts.map((x): Box => ({ x, y, width, height: LABEL_HEIGHT })));
}

/** Cost of a box by its distance from the place. Boxes to the right of the place cost less, because they read best. */
function distance(box: Box, at: Place): number {
  const near = nearestPoint(box, at);
  const preference = box.x > at.x ? 0 : 0.5;
  return Math.hypot(near.x - at.x, near.y - at.y) + Math.abs(box.y + box.height / 2 - at.y) / 4 + preference;
}

export function nearestPoint({ x, y, width, height }: Box, at: Place): Place {
  return { x: Math.min(Math.max(at.x, x), x + width), y: Math.min(Math.max(at.y, y), y + height) };
}

function dotsBetween(from: Place, to: Place): Place[] {
  const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / LINE_STEP);
  return Array.from({ length: count + 1 }, (_, index) => {
    const share = count === 0 ? 0 : index / count;
    return { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
  });
}

function isWithin(box: Box, { width, height }: LabelSpace): boolean {
  return box.x >= 0 && box.y >= -LABEL_HEIGHT / 2 && box.x + box.width <= width && box.y + box.height <= height;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function holds(box: Box, { x, y }: Place): boolean {
  return x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
}
