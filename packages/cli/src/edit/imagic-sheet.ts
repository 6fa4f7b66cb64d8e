import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteImage, contactSheet, type SheetCell } from '@codiff/codiff';
import { decodeRgb, encodeRgb } from '../generate/png/rgb.js';
import { withRecipe } from '../generate/recipe.js';
import { FILES } from './imagic-files.js';
import { imagicRecipe, plannedImages } from './imagic-images.js';
import type { PreparedImagic } from './prepare-imagic.js';
import type { EditSession } from './session.js';

/** Images of each alpha that a sheet shows, at most. */
const SHOWN_IMAGES = 8;

/**
 * Put an edit's images beside the input on one sheet: the input and the stages' ends, then the alphas, for each of their images
 * in a row before and a row after tuning.
 */
export async function writeImagicSheet(prepared: PreparedImagic, session: EditSession): Promise<void> {
  const { request, image, mask, folder, settings } = prepared;
  const cellOf = async ({ name, label }: { name: string; label: string }): Promise<SheetCell[]> => {
    const path = join(folder.path, name);
    return existsSync(path) ? [{ image: decodeRgb(await readFile(path)), label }] : [];
  };
  const cells = async (list: readonly { name: string; label: string }[]) =>
    (await Promise.all(list.map(cellOf))).flat();
  const planned = plannedImages(request);
  const isBetween = ({ name }: { name: string }) => name.startsWith('0');
  const input: ByteImage = { ...image.pixels, values: Uint8Array.from(image.pixels.values) };
  const stages = [{ name: FILES.reconstruction, label: 'decoded' }, ...planned.filter((each) => !isBetween(each))];
  const rows: SheetCell[][] = [[{ image: input, label: 'input' }, ...(await cells(stages))]];
  for (let number = 0; number < Math.min(request.images, SHOWN_IMAGES); number++) {
    const own = planned.filter((each) => isBetween(each) && each.image === number);
    for (const tuned of [false, true]) {
      const row = await cells(own.filter((each) => each.tuned === tuned));
      if (row.length > 0) rows.push(row);
    }
  }
  const title = `${image.name}, edited by ${request.text ?? mask?.name ?? ''} (seed ${settings.seed})`;
  const png = encodeRgb(contactSheet({ title, rows }));
  await folder.write(FILES.sheet, withRecipe(png, imagicRecipe(prepared, session, { kind: 'sheet' })));
}
