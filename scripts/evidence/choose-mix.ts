import { consistencyOf, measurePlan } from './measure-method.js';
import { METHODS, weighed } from './methods.js';
import { chooseWeight, type GridPoint, MIX_WEIGHTS, type NormalisedPoint, normaliseGrid } from './mix-weight.js';
import { samplePlans, samplesOf, unitsOf } from './sample-plans.js';
import { methodFolder, type Session } from './session.js';

/**
 * Choose the weight of the fixed mix on the validation pairs, so that it is as strong a baseline as a fixed mix can be.
 * @returns the whole grid, and the chosen weight of the mask
 */
export async function chooseMix(
  session: Session,
): Promise<{ readonly grid: readonly NormalisedPoint[]; readonly weight: number }> {
  const { options, pairs, networks, signal, line } = session;
  const { out, batchSize, steps, twice } = options;
  const images = samplesOf(pairs.validation, 0);
  const plans = MIX_WEIGHTS.map((maskWeight) => {
    const method = weighed('fixed-mix', maskWeight);
    return { maskWeight, method, folder: methodFolder(out, method), what: `fixed-mix ${maskWeight}`, images };
  });
  // The images of the table come after.
  const table = METHODS.map((method) => ({ method: weighed(method, 0.5), images: samplesOf(pairs.test, twice) }));
  await samplePlans(session, plans, { later: unitsOf(table, steps) });
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const grid: GridPoint[] = [];
  for (const { maskWeight: weight, folder } of plans) {
    const found = consistencyOf(await measurePlan(folder, images, { networks, batchSize, signal }));
    grid.push({ weight, mask_accuracy: mean(found.mask_accuracy), text_consistency: mean(found.text_consistency) });
  }
  const normalised = normaliseGrid(grid);
  const weight = chooseWeight(normalised);
  line.done(`fixed mix              weight of the mask ${weight}, chosen on ${images.length} validation pairs`);
  return { grid: normalised, weight };
}
