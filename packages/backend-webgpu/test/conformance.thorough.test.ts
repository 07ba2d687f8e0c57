import { describeHalf } from './conformance-half.ts';

describeHalf(1);
