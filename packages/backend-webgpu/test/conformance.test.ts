import { describeHalf } from './conformance-half.ts';

describeHalf(0);
