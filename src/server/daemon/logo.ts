/** Printed at start on a terminal, unless `[logging] suppress-logo` (spec F113). */
export const logo = `
 __     __
 \\ \\   / /_ _ _ ____   _____
  \\ \\ / / _\` | '__\\ \\ / / _ \\
   \\ V / (_| | |   \\ V /  __/
    \\_/ \\__,_|_|    \\_/ \\___|

`;
