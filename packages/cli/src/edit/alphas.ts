import { UsageError } from '../usage-error.js';

/** Beyond this an embedding is no longer one that any model has seen. */
const MOST = 100;

/** The alphas that a flag lists: numbers between commas. @throws UsageError for anything else */
export function parseAlphas(flag: string, text: string): number[] {
  return text.split(',').map((item) => {
    const alpha = Number(item);
    if (item.trim() !== '' && Math.abs(alpha) <= MOST) return alpha;
    throw new UsageError(
      `--${flag} holds '${item.trim()}'; wanted numbers between commas, from -${MOST} to ${MOST}, e.g. "0, 0.5, 1"`,
    );
  });
}

/** An alpha as the original prints it in file names: Python's `round(alpha, 3)`, so `-1.0`, `0.6`, `0.062`. */
export function alphaText(alpha: number): string {
  const rounded = roundToThousandths(alpha);
  const text = Object.is(rounded, -0) ? '-0' : String(rounded);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function roundToThousandths(alpha: number): number {
  // Only odd sixteenths lie just between two thousandths; of the two Python takes the even one.
  const sixteenths = alpha * 16;
  if (!Number.isInteger(sixteenths) || sixteenths % 2 === 0) return Number(alpha.toFixed(3));
  const below = Math.floor(alpha * 1000);
  return (below % 2 === 0 ? below : below + 1) / 1000;
}
