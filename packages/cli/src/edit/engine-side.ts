// Everything of an edit that needs the engine: one module, to be loaded once flags are known to be right.
export { checkBranchFits } from './branches.js';
export { checkCollaborative, prepareCollaborative } from './prepare-collaborative.js';
export { prepareImagic } from './prepare-imagic.js';
export { runBoth } from './run-both.js';
export { runCollaborative } from './run-collaborative.js';
export { runImagic } from './run-imagic.js';
export { inSession } from './session.js';
