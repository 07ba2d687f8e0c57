export { myBackend } from './my-backend.ts';

// What `ddcl fit --backend ./dist/index.js` starts.
export { myBackend as default } from './my-backend.ts';
