/** What the server's codes mean, in English; its own sentences are Chinese.
 *
 * `{told}` takes the server's sentence in where only it knows what was wrong.
 */

import { look } from "$/state/look.svelte";

const ENGLISH: Record<string, string> = {
  // the service
  offline: "The service does not answer. Is it still running?",
  http_error: "The service did not answer as it should. ({told})",
  internal_error: "The service made a mistake. Your text is unharmed; please try again.",
  newer_database: "A newer version of the desk has used this data; this one cannot read it.",
  foreign_origin:
    "This request came from another web page and was refused. Open the desk at its own address.",
  not_found: "It is not there any more, or never was.",
  invalid_request: "Something in the request is not right. ({told})",
  too_large: "This is larger than the desk takes. ({told})",
  conflict: "This cannot be done as things stand. ({told})",
  // a book
  work_not_found: "This work is not there any more.",
  ambiguous_work: "Several works have this name.",
  volume_not_found: "This volume is not there any more.",
  chapter_not_found: "This chapter is not there any more.",
  character_not_found: "This character is not there any more.",
  outline_not_found: "This part of the outline is not there any more.",
  outline_cycle: "A part of the outline cannot stand inside itself.",
  revision_not_found: "This revision does not exist.",
  stale_revision: "This chapter was also changed elsewhere. Which one stays?",
  chapter_gone: "This chapter was deleted meanwhile. Restore it first.",
  chapter_locked: "This chapter is locked. Unlock it before you change it.",
  text_changed: "The text has changed meanwhile. Look at it again.",
  incomplete_order: "The new order leaves something out. Look at the list again.",
  order_incomplete: "The new order does not hold every chapter once. Reload and try again.",
  snapshot_not_found: "This revision is not kept; it may have been let go elsewhere.",
  nothing_to_keep: "There is no text in this chapter yet to keep.",
  other_chapter: "This continuation was written for another chapter. Reload and try again.",
  bad_pattern: "This is not a regular expression that can be used. ({told})",
  bad_replacement:
    "The replacement is not right: a backslash needs the number of its group, as in \\1.",
  pattern_too_slow:
    "This took too long and was stopped; nothing was changed. Make the pattern simpler.",
  too_many_hits:
    "There are too many places; nothing was changed. Look for something more particular.",
  offset_out_of_range: "This place lies outside the chapter's text.",
  // files
  upload_not_found: "This file has gone from the desk. Choose it again.",
  unreadable_file: "The file cannot be read. ({told})",
  empty_file: "There is no text in this file.",
  binary_file: "This is not a text file.",
  unknown_encoding: "No known encoding reads this file. Save it as UTF-8 and try again.",
  mixed_encoding: "Parts of this file are in another encoding. ({told})",
  // story
  scene_not_found: "This scene is not there any more.",
  empty_scene: "A scene needs some text.",
  progression_not_found: "This development is not there any more.",
  fact_not_found: "This fact is not there any more.",
  relation_not_found: "This relation is not there any more.",
  relation_with_self: "Nobody has a relation with themselves.",
  thread_not_found: "This thread is not there any more.",
  thread_event_not_found: "This turn of the thread is not there any more.",
  portrait_not_found: "There is no portrait of this character.",
  not_a_picture: "This is not a picture that can be read. Choose a PNG, JPEG or WebP.",
  never_holds: "It would end before it begins.",
  evidence_without_chapter: "A quotation needs its chapter.",
  evidence_not_found: "The chapter does not say these words.",
  evidence_ambiguous: "The chapter says these words more than once. Quote a little more.",
  lorebook_not_found: "This book of lore is not there any more.",
  lore_entry_not_found: "This entry is not there any more.",
  unknown_lorebook: "This is not a book of lore that the desk can read.",
  recap_not_found: "This recap is not there any more.",
  recap_by_author: "You wrote this recap yourself. Take it back first to have it made anew.",
  recaps_off: "Recaps are switched off (YANCHI_RECAPS=off).",
  recaps_without_model: "No model is there to tell the recaps.",
  // writing
  generation_not_found: "This attempt is not there any more.",
  no_such_candidate: "This attempt has no such candidate.",
  already_accepted: "This attempt was already taken.",
  empty_selection: "Choose some words first.",
  selection_too_long: "This is too much to rewrite at once. Choose less.",
  length_too_large: "This is longer than can be written at once.",
  prompt_too_large: "What must go in is more than the model can take. ({told})",
  template_not_found: "There is no template of this name.",
  broken_template: "The template does not work. ({told})",
  unknown_adapter: "There is no such adapter in the data folder.",
  engine_starting: "The model is still starting. Try again in a moment.",
  engine_lost: "The engine stopped and is being started again.",
  engine_busy: "The engine is busy. Try again in a moment.",
  engine_failed: "The engine cannot run. ({told})",
  engine_refused: "The engine refused this. ({told})",
  engine_error: "The engine made a mistake. ({told})",
  // personas
  persona_not_found: "This persona is not there any more.",
  persona_without_work: "Choose the book first, then someone and a chapter in it.",
  slug_taken: "This short name is taken. Choose another.",
  conversation_not_found: "This conversation is not there any more.",
  message_not_found: "This is not said in the conversation.",
  no_such_greeting: "There is no such greeting. Choose another.",
  greeting_is_written: "A greeting is written on the card. Change it there.",
  not_an_answer: "Only what the other one says can be gone on with.",
  answer_stopped: "You stopped this answer.",
  // finding
  retrieval_failed: "The search failed. ({told})",
  index_failed: "The index cannot be used. ({told})",
  wrong_dimension: "The index was made by another model and has to be built anew.",
  embedder_unavailable: "The model that finds by meaning cannot be loaded.",
  reranker_unavailable: "The model that ranks what was found cannot be loaded.",
  // weights
  weights_unavailable: "The model's weights are not there. ({told})",
  no_hub: "No place to fetch the model from can be reached.",
  broken_download: "The download broke off. It goes on when you try again.",
  wrong_digest: "What was downloaded is damaged. Try again.",
  disk_full: "The disk is full.",
};

/** The sentence for the author: the server's, or its English where the page is English. */
export function sentence(code: string, told: string): string {
  if (look.language !== "en") return told;
  return ENGLISH[code]?.replace("{told}", () => told) ?? told;
}
