import { noNegativeFlags } from '../generate/flags/common.js';
import { text, yesNo } from '../generate/flags/values.js';
import type { CommandDefaults } from '../generate/request.js';
import { singleModalityCommand } from './single-modality.js';

/** What `mask2image.py` and `freeu/mask2image_freeu.py` do where flags say nothing. */
export const mask2imageDefaults: CommandDefaults & { readonly mask: string } = {
  command: 'mask2image',
  config: 'configs/512_mask.yaml',
  checkpoint: 'pretrained/512_mask.ckpt',
  folder: 'outputs/512_mask2image',
  mask: 'test_data/512_masks/27007.png',
  mixed: true,
};

/** `codiff mask2image`: faces from a mask. */
export const mask2imageCommand = singleModalityCommand({
  defaults: mask2imageDefaults,
  describe: 'make images from a mask',
  flags: {
    mask_path: text('mask_path', { describe: 'face mask: a palette PNG', defaultDescription: mask2imageDefaults.mask }),
    save_mixed: yesNo('save_mixed', { describe: 'write images over their mask too', defaultDescription: '1' }),
    ...noNegativeFlags,
  },
  examples: [
    ['--mask_path test_data/demo/mask_512.png', '4 images of 512x512'],
    ['--mask_path test_data/demo/mask_512.png --enable_freeu --b1 1.1 --b2 1.2', 'with FreeU'],
    ['--from outputs/.../000000_x_0.png', 'the same batch again'],
  ],
});
