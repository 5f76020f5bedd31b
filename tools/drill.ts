/** `npm run drill`: every incident of test/drill, for real, with the shipped rules in shorter time. */
process.env['DAKIA_DRILL'] = 'all';
process.argv.push('test/faults/drill.test.ts');
await import('./test.ts');
