import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SheetCell } from '@codiff/codiff';
import { METHODS, weighed } from '../methods.js';
import type { EvidencePicture } from '../record.js';
import { samplePlans, samplesOf } from '../sample-plans.js';
import { methodFolder, type Session } from '../session.js';
import { captionWords, writeSheet } from './cells.js';
import { editRows } from './edit-rows.js';
import { EDIT_TUNING, type EditIterations } from './edit-tuning.js';
import { exchangedConditions } from './exchanged-conditions.js';
import { influenceRows } from './influence-maps.js';
import { baselineRows, mainRows, SHOWN_PAIRS } from './made-images.js';

/** Where pictures lie, beside the record: `docs/evidence`. */
export const pictureFolder = (json: string): string => join(json, '..', basename(json).replace(/\.json$/, ''));

/**
 * Make all pictures from the first pairs of the table, unseen and unchosen.
 * @param maskWeight of the fixed mix
 * @returns what they show, with their files from the record's folder
 */
export async function makePictures(
  session: Session,
  maskWeight: number,
  tuning: EditIterations,
): Promise<EvidencePicture[]> {
  const { options, pairs, line, signal } = session;
  const folder = pictureFolder(options.json);
  await mkdir(folder, { recursive: true });
  const pictures: EvidencePicture[] = [];
  const write = async (name: string, title: string, rows: SheetCell[][], words: readonly string[]): Promise<void> => {
    const bytes = await writeSheet(join(folder, `${name}.png`), title, rows);
    pictures.push({ file: `${basename(folder)}/${name}.png`, title, words, bytes });
    line.done(`picture                ${name}.png, ${Math.ceil(bytes / 1024)} KiB`);
  };
  const shown = pairs.test.slice(0, SHOWN_PAIRS);
  const texts = shown.map(({ face }, i) => `Text ${i + 1}: “${face.caption}”`);
  const made = { out: options.out, maskWeight };
  signal.throwIfAborted();
  const images = samplesOf(shown, shown.length);
  const plans = METHODS.map((name) => {
    const method = weighed(name, maskWeight);
    return { method, folder: methodFolder(options.out, method), what: name, images };
  });
  await samplePlans(session, plans);
  await write('mask-and-text', 'mask and text to image', await mainRows(made, shown), [
    'Each row is a mask and a text of one held-out face, two images by collaborative diffusion, one as `codiff generate` mixes, and the face that mask and text belong to.',
    ...texts,
  ]);
  await write('baselines', 'the same start noise by every method', await baselineRows(made, shown), [
    'All images of a row have the same mask, the same text, the same start noise and the same noise at every step.',
    ...texts,
  ]);
  line.show('pictures: influence');
  await write('influence', 'who decides where and when, from noise to image', await influenceRows(session), [
    `Influence maps on the way to the first row's image above. White: that modality decides alone, as the text does in the last picture. First the plain softmax of training, then the mix of \`codiff generate\`.`,
  ]);
  line.show('pictures: exchanged conditions');
  const { sameMask, sameText } = await exchangedConditions(session);
  await write('same-mask', 'one mask, five texts', sameMask, [
    'Only the text changes; the words below are what it tells. By the plain softmax.',
  ]);
  await write('same-text', 'one text, five masks', sameText, [
    `Only the mask changes, by the plain softmax. The masks are of other faces, so the text may contradict them. The text of all: “${pairs.test[0]!.face.caption}” (${captionWords(pairs.test[0]!.face.caption)})`,
  ]);
  line.show('pictures: edits');
  const { rows, caption, target } = await editRows(session, tuning);
  await write('edits', 'one drawing edited by text, by mask, and by both', rows, [
    `The drawing's own text: “${caption}” The target: “${target}” The new mask is the drawing's own with more hair.`,
    `The number is alpha: 0 reconstructs the drawing as well as the tuned models can, 1 is the target, more goes beyond it. Tuned for ${tuning.embedding} iterations of the embedding (Adam, ${EDIT_TUNING.embedding.lr}) and ${tuning.weights} of the UNet (${EDIT_TUNING.weights.lr}).`,
  ]);
  return pictures;
}
