/** What is open on the desk besides the text. */
class Desk {
  notes = $state(false);
  conflict = $state(false);
  bookReplace = $state(false);
}
export const desk = new Desk();
