/** A free piece is given away whole unless it is twice as large as wanted, or this much larger. */
const MOST_WASTE = 2 ** 27;

/** Smaller ones come from the system instead. */
const SMALL = 2 ** 18;

/** A free stretch of the pool. */
interface Stretch {
  at: number;
  bytes: number;
}

/** What a small one takes of the pool. */
const NOTHING: Stretch = { at: 0, bytes: 0 };

/**
 * Whether a sequence of allocations fits into one free stretch of memory as TensorFlow's allocator would lay it out: the
 * smallest free piece that is large enough, cut only where much would be left over, neighbours joined when both are free. So
 * one that fits by the sum may not fit by its pieces.
 * @param takings bytes to take, or minus the number (from 1 on) of the earlier taking that ends
 */
export function fitsPool(takings: readonly number[], bytes: number): boolean {
  const free: Stretch[] = [{ at: 0, bytes }];
  const taken: Stretch[] = [];
  for (const entry of takings) {
    if (entry < 0) {
      giveBack(free, taken[-entry - 1]!);
      continue;
    }
    const piece = entry < SMALL ? NOTHING : takeBest(free, entry);
    if (piece === null) return false;
    taken.push(piece);
  }
  return true;
}

function takeBest(free: Stretch[], bytes: number): Stretch | null {
  let best = -1;
  for (const [i, stretch] of free.entries())
    if (stretch.bytes >= bytes && (best < 0 || stretch.bytes < free[best]!.bytes)) best = i;
  const found = free[best];
  if (found === undefined) return null;
  if (found.bytes < 2 * bytes && found.bytes - bytes < MOST_WASTE) {
    free.splice(best, 1);
    return found;
  }
  const piece = { at: found.at, bytes };
  found.at += bytes;
  found.bytes -= bytes;
  return piece;
}

/** Free stretches are kept in the order of their addresses. */
function giveBack(free: Stretch[], piece: Stretch): void {
  if (piece === NOTHING) return;
  const { at } = piece;
  let [low, high] = [0, free.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (free[middle]!.at < at) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [free[low - 1], free[low]];
  const joinsAfter = after !== undefined && after.at === at + piece.bytes;
  if (before !== undefined && before.at + before.bytes === at) {
    before.bytes += piece.bytes + (joinsAfter ? after.bytes : 0);
    if (joinsAfter) free.splice(low, 1);
  } else if (joinsAfter) {
    after.at = at;
    after.bytes += piece.bytes;
  } else free.splice(low, 0, { ...piece });
}
