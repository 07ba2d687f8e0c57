import type { StrictBackend } from '../src/index.ts';
import { describeBackend } from '../src/index.ts';
import { losableBackend, loseDevice } from './support/losable.ts';
import { wrapping } from './support/wrapping.ts';

/** The backend without a fault passes everything, with tensors to borrow and a device to lose. */
describeBackend('strict reference', () => wrapping(losableBackend()), {
  // It is no backend that anybody would choose.
  report: false,
  loseDevice,
  nativeTensors: (backend) => (backend as unknown as StrictBackend).log.alive.size,
});
