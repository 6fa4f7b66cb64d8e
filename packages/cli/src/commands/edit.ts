import type { CommandModule } from 'yargs';
import { bothFlags, collaborativeFlags, imagicFlags, negativeEditFlags } from '../edit/flags.js';
import { handleBoth, handleCollaborative, handleImagic } from '../edit/handle.js';
import { bothRequests, collaborativeRequest, EDITED_MASK, IMAGIC, imagicRequest, PROMPT } from '../edit/requests.js';
import { noNegativeFlags } from '../generate/flags/common.js';
import { type Given, text } from '../generate/flags/values.js';

const textFlags = {
  text_prompt: text('text_prompt', { describe: 'what the image is to show', defaultDescription: `"${PROMPT}"` }),
  ...negativeEditFlags,
  ...imagicFlags(IMAGIC.text),
};

const maskFlags = {
  mask_path: text('mask_path', { describe: 'the edited mask: a palette PNG', defaultDescription: EDITED_MASK }),
  ...noNegativeFlags,
  ...imagicFlags(IMAGIC.mask),
};

const DEMO = 'test_data/demo/';

/** `codiff edit text`: `editing/imagic_edit_text.py` of the original. */
const textCommand: CommandModule<object, Given<typeof textFlags>> = {
  command: 'text',
  describe: 'edit an image by a text (Imagic)',
  builder: (yargs) =>
    yargs
      .options(textFlags)
      .example(`$0 edit text --input_image_path ${DEMO}image_256.png --text_prompt "He is a teen."`, '')
      .example('$0 edit text --stage2_num_iter 500 --alpha_list "0.5, 1"', 'fewer steps, two images of each model')
      .example('$0 generate --from outputs/text_edit/.../0C_interText_optDM_0_alpha=0.5.png', 'the same image again'),
  handler: (flags) => handleImagic(imagicRequest('text', flags), flags),
};

/** `codiff edit mask`: `editing/imagic_edit_mask.py` of the original. */
const maskCommand: CommandModule<object, Given<typeof maskFlags>> = {
  command: 'mask',
  describe: 'edit an image by a changed mask (Imagic)',
  builder: (yargs) =>
    yargs
      .options(maskFlags)
      .example(`$0 edit mask --input_image_path ${DEMO}image_256.png --mask_path ${DEMO}edited_mask_256.png`, ''),
  handler: (flags) => handleImagic(imagicRequest('mask', flags), flags),
};

/** `codiff edit collaborative`: `editing/collaborative_edit.py` of the original. */
const collaborativeCommand: CommandModule<object, Given<typeof collaborativeFlags>> = {
  command: 'collaborative',
  describe: 'let an edit by text and one by mask draw together',
  builder: (yargs) =>
    yargs
      .options(collaborativeFlags)
      .example(
        '$0 edit collaborative --imagic_text_folder "outputs/text_edit/image_256.png/He is a teen." ' +
          '--imagic_mask_folder outputs/mask_edit/image_256.png/edited_mask_256.png',
        '',
      )
      .example('$0 edit collaborative --alpha_list "0.5, 1" --num_samples 4', '4 images of each alpha'),
  handler: (flags) => handleCollaborative(collaborativeRequest(flags), flags),
};

/** `codiff edit both`: the three in one. */
const bothCommand: CommandModule<object, Given<typeof bothFlags>> = {
  command: 'both',
  describe: 'edit an image by text, by mask, and by both together',
  builder: (yargs) =>
    yargs
      .options(bothFlags)
      .example(
        `$0 edit both --image ${DEMO}image_256.png --text "He is a teen." --mask ${DEMO}edited_mask_256.png`,
        'the three edits, sharing their work',
      ),
  handler: (flags) => handleBoth(bothRequests(flags), flags),
};

/** `codiff edit`: change an image that there is. */
export const editCommand: CommandModule = {
  command: 'edit',
  describe: 'edit an image by text, by mask, or by both',
  builder: (yargs) =>
    yargs
      .command(textCommand)
      .command(maskCommand)
      .command(collaborativeCommand)
      .command(bothCommand)
      .demandCommand(1, 'name what to edit by: text, mask, collaborative or both'),
  handler: () => undefined,
};
