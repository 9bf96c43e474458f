// Drums into a MIDI clip. The same clip is written again in place, each time as one step of undo.
var NOTES_PER_CALL = 500, NOTES_PER_PART = 200, MOST_NOTES = 2000, TICKS = 480;
var HEARD_BARS = 4, TAPPED_PITCH = 38;

var home = {slot: "", id: 0};
var clips_sent = 0;

function generate(anew, how) {
    var track = own_track(), why = obstacle(track, "midi"), target;
    if (why !== "") {
        show(why, true);
        return;
    }
    if (how) {
        target = clip_to_change();
        if (target === "") {
            show("no MIDI clip to " + how + ": make one with Generate, or open one", true);
            return;
        }
        change(target, how);
        return;
    }
    if (anew) {
        home.slot = "";
    }
    show("writing drums");
    ask_drums("", 0, BARS[params.bars], 0, function (found) {
        write("", track, found, 0);
    });
}

// Density in per cent, swing too; -1 and 0: as the style has it.
function density() {
    return params.density === 0 ? -1 : (params.density - 1) * 5;
}

function swing() {
    return params.swing === 0 ? 0 : 49 + params.swing;
}

// `bars` are those to write, `heard` those of the clip that they follow. A clip that is changed keeps its own style;
// taps alone have none.
function ask_drums(how, clip, bars, heard, done, failed) {
    ask("/cratehand/drums", [how === "" || how === "tap" ? STYLES[params.style] : "", bars,
        density() < 0 ? -1 : density() / 100, swing(), params.seed, Number(song("tempo")),
        Number(song("signature_numerator")), Number(song("signature_denominator")), how, clip].concat(
            heard > 0 ? [heard] : []), done, failed);
}

// The clip that was written last, if it is still there, else a new one in a free slot.
function clip_for(track) {
    var row, slot;
    if (home.slot !== "" && at(home.slot + " clip") && Number(cursor.id) === home.id) {
        return home.slot + " clip";
    }
    row = free_row([track]);
    slot = track + " clip_slots " + row;
    at(slot);
    cursor.call("create_clip", 4);
    at(slot + " clip");
    home.slot = slot;
    home.id = Number(cursor.id);
    return slot + " clip";
}

function clip_to_change() {
    if (home.slot !== "" && at(home.slot + " clip") && Number(cursor.id) === home.id) {
        return home.slot + " clip";
    }
    if (at("live_set view detail_clip") && Number(value("is_midi_clip")) === 1) {
        return cursor.unquotedpath;
    }
    return "";
}

function beats_per_bar() {
    return Number(song("signature_numerator")) * 4 / Number(song("signature_denominator"));
}

// Notes go out as whole numbers, one each: 17 bits of time in 1/480 beats, 7 of pitch, 7 of velocity. No text is made.
function change(target, how, is_second) {
    var notes = notes_of(target, 0), length = Number(value("length")), per_bar = beats_per_bar(),
        bars = Math.max(1, Math.round(length / per_bar)), told = told_of(how, notes, bars, per_bar);
    if (told.notes.length === 0) {
        show(how === "continue" ? "the last bars of the clip are empty" : "the clip is empty", true);
        return;
    }
    if (told.notes.length > MOST_NOTES) {
        show("the clip has " + told.notes.length + " notes; up to " + MOST_NOTES + " can be changed", true);
        return;
    }
    send_clip(told.notes, function (clip) {
        ask_drums(how, clip, told.wanted, told.heard, function (found) {
            write(target, "", found, how === "continue" ? bars * per_bar : 0);
        }, failed);
    });
    function failed(code, text) {
        if (code === "not_found" && !is_second) {
            // cratehand was started anew between the notes and the question: it has to get the notes again.
            change(target, how, true);
        } else {
            show(text, true);
        }
    }
}

// What cratehand is told of a clip: notes, how many bars are wanted, and how many it hears where that is not the same.
function told_of(how, notes, bars, per_bar) {
    var heard = Math.min(bars, HEARD_BARS);
    if (how === "continue") {
        // What comes next depends on the last bars only.
        return {notes: shifted(notes, (bars - heard) * per_bar), wanted: BARS[params.bars], heard: heard};
    }
    if (how === "tap") {
        // A rhythm may be tapped on any key.
        notes = notes.map(function (note) {
            return {start_time: note.start_time, pitch: TAPPED_PITCH, velocity: note.velocity};
        });
    }
    return {notes: notes, wanted: bars, heard: 0};
}

// Send the notes part after part, each when the one before has arrived.
function send_clip(notes, done) {
    var clip = clips_sent = clips_sent % 1000 + 1, parts = Math.ceil(notes.length / NOTES_PER_PART), part = 0;
    send_part();
    function send_part() {
        var some = notes.slice(part * NOTES_PER_PART, (part + 1) * NOTES_PER_PART);
        show("reading the clip");
        ask_part(clip, part, parts, some.map(packed), function () {
            part += 1;
            if (part < parts) {
                send_part();
            } else {
                done(clip);
            }
        });
    }
}

// The notes from a beat on, as if it were the first.
function shifted(notes, beats) {
    return notes.filter(function (note) {
        return note.start_time >= beats;
    }).map(function (note) {
        return {start_time: note.start_time - beats, pitch: note.pitch, velocity: note.velocity};
    });
}

function packed(note) {
    var time = Math.max(0, Math.min(131071, Math.round(note.start_time * TICKS)));
    return time * 16384 + note.pitch * 128 + Math.round(note.velocity);
}

function ask_part(clip, part, parts, numbers, done) {
    var number = ask("/cratehand/clip", [clip, part, parts].concat(numbers));
    if (waiting[number]) {
        waiting[number].stored = done;
    }
}

function notes_of(clip, from) {
    at(clip);
    var found = JSON.parse(cursor.call("get_notes_extended", 0, 128, from, Math.max(0.01, Number(value("length")) - from)));
    return found.notes || [];
}

// Write the answer into a clip from a beat on; without a clip into the one of the track that is ours.
function write(target, track, found, from) {
    var notes = [], each, item, clip, taken;
    for (each = 0; each < found.items.length; each += 1) {
        item = found.items[each];
        notes.push({pitch: item[0], start_time: from + item[1], duration: item[2], velocity: item[3]});
    }
    begin_step();
    try {
        clip = target !== "" ? target : clip_for(track);
        taken = put_notes(clip, notes, from, from + found.length_beats);
    } catch (refused) {
        // The track may have been frozen, or the clip deleted, since the button was pressed.
        show("Live does not take the notes: is the clip still there, and the track not frozen?", true);
        return;
    } finally {
        end_step();
    }
    found.per_bar = beats_per_bar();
    shown.pattern = found;
    if (taken !== notes.length) {
        show("Live took " + taken + " of " + notes.length + " notes", true);
    } else {
        show(notes.length + " notes, seed " + found.seed + ", " + found.generator);
    }
}

// Return how many notes the clip has from there on.
function put_notes(clip, notes, from, end) {
    var each;
    at(clip);
    cursor.call("remove_notes_extended", 0, 128, from, Math.max(end, Number(value("length"))) - from);
    cursor.set("looping", 1);
    cursor.set("loop_end", end);
    cursor.set("end_marker", end);
    for (each = 0; each < notes.length; each += NOTES_PER_CALL) {
        cursor.call("add_new_notes", {notes: notes.slice(each, each + NOTES_PER_CALL)});
    }
    return notes_of(clip, from).length;
}

function new_seed() {
    params.seed = Math.floor(Math.random() * 10000);
    outlet(TO_CONTROLS, ["seed", params.seed]);
    generate(false, "");
}

function play_pattern() {
    if (!shown.pattern) {
        show("generate drums first", true);
        return;
    }
    show("plays on the MIDI port");
    ask("/cratehand/play", [shown.pattern.request, Number(song("tempo"))]);
}
