/** Golden texts are rewritten only when asked for: UPDATE_GOLDEN=1 npm test */
export const updateGolden: boolean = process.env['UPDATE_GOLDEN'] === '1';
