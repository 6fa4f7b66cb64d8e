import type { CommandModule } from 'yargs';
import { addedFlags, freeUFlags, originalFlags } from '../generate/flags/common.js';
import { type Given, text, yesNo } from '../generate/flags/values.js';
import { handle } from '../generate/handle.js';
import type { CommandDefaults } from '../generate/request.js';

/** What `mask2image.py` and `freeu/mask2image_freeu.py` do where flags say nothing. */
export const mask2imageDefaults: CommandDefaults & { readonly mask: string } = {
  command: 'mask2image',
  config: 'configs/512_mask.yaml',
  checkpoint: 'pretrained/512_mask.ckpt',
  folder: 'outputs/512_mask2image',
  mask: 'test_data/512_masks/27007.png',
  mixed: true,
};

const flags = {
  mask_path: text('mask_path', { describe: 'face mask: a palette PNG', defaultDescription: mask2imageDefaults.mask }),
  ...originalFlags(mask2imageDefaults),
  return_influence_function: yesNo('return_influence_function', { describe: 'accepted; there is one modality only' }),
  save_mixed: yesNo('save_mixed', { describe: 'write images over their mask too', defaultDescription: '1' }),
  ...freeUFlags,
  ...addedFlags,
};

/** `codiff mask2image`: faces from a mask. */
export const mask2imageCommand: CommandModule<object, Given<typeof flags>> = {
  command: 'mask2image',
  describe: 'make images from a mask',
  builder: (yargs) =>
    yargs
      .options(flags)
      .example('$0 mask2image --mask_path test_data/demo/mask_512.png', '4 images of 512x512')
      .example('$0 mask2image --mask_path test_data/demo/mask_512.png --enable_freeu --b1 1.1 --b2 1.2', 'with FreeU')
      .example('$0 mask2image --from outputs/.../000000_x_0.png', 'the same batch again'),
  handler: (given) => handle(mask2imageDefaults, given),
};
