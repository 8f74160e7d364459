/**
 * Addresses as logs and statistics show them, alone or within other texts: without the password of a user and of a parameter `p` or `password`.
 * What goes before the colon has none, and no address has a space: the time is of the length of the text.
 */
const ofUser = /(:\/\/[^\s/?#'":@]*:)[^\s/?#'"]*@/g;
const ofParameter = /([?&]p(?:assword)?=)[^\s&#'"]*/g;

export function shownAddress(text: string): string {
  return text.replaceAll(ofUser, '$1[REDACTED]@').replaceAll(ofParameter, '$1[REDACTED]');
}
