// What is asked of Live. One LiveAPI is pointed from place to place: a new one for each question would leak symbols.
// What changes by itself tells so: three observers for the life of the device, since taking one down leaks as well.
// Inside what they call, Live refuses every change to the set: there values are kept and drawn, no more.
var cursor = null, tempo_watch = null, transport_watch = null, slot_watch = null;
var set_tempo = 0, is_playing = 0, playing_row = -1;

function wake_live() {
    cursor = new LiveAPI("live_set");
    tempo_watch = new LiveAPI(tempo_told, "live_set");
    tempo_watch.property = "tempo";
    if (kind === "audio") {
        transport_watch = new LiveAPI(playing_told, "live_set");
        transport_watch.property = "is_playing";
        watch_track();
    }
}

// The device may be dragged to another track at any time, and nobody tells it.
function watch_track() {
    var path = own_track();
    if (track_number(path) < 0) {
        playing_row = -1;
    } else if (slot_watch === null) {
        slot_watch = new LiveAPI(slot_told, path);
        slot_watch.property = "playing_slot_index";
    } else if (slot_watch.unquotedpath !== path) {
        slot_watch.path = path;
    }
}

function tempo_told(told) {
    if (told[0] === "tempo") {
        set_tempo = Number(told[1]);
        redraw();
    }
}

function playing_told(told) {
    if (told[0] === "is_playing") {
        is_playing = Number(told[1]);
        look_while_playing();
    }
}

function slot_told(told) {
    if (told[0] === "playing_slot_index") {
        playing_row = Number(told[1]);
        look_while_playing();
    }
}

function at(path) {
    cursor.path = path;
    return Number(cursor.id) !== 0;
}

function value(name) {
    var found = cursor.get(name);
    return found instanceof Array ? found[0] : found;
}

function can(name) {
    return String(cursor.info).indexOf("function " + name) >= 0;
}

function max_version() {
    var number = max.version;
    return String(number);
}

function live_version() {
    at("live_app");
    return cursor.call("get_major_version") + "." + cursor.call("get_minor_version") + "."
        + cursor.call("get_bugfix_version");
}

function song(name) {
    at("live_set");
    return value(name);
}

// The path of the track that this device sits on; empty on the master or a return.
function own_track() {
    var path = "this_device canonical_parent", step;
    for (step = 0; step < 16; step += 1) {
        if (!at(path)) {
            return "";
        }
        if (cursor.type === "Track") {
            return cursor.unquotedpath;
        }
        path += " canonical_parent";
    }
    return "";
}

function track_number(path) {
    var found = /^live_set tracks (\d+)$/.exec(path);
    return found ? Number(found[1]) : -1;
}

// Why clips of a kind (audio or midi) can not go there; empty where they can.
function obstacle(path, wanted) {
    if (track_number(path) < 0 || !at(path)) {
        return "put the device on a track with clip slots: not on the master or a return";
    }
    if (Number(value("is_foldable")) === 1) {
        return "a group has no clips of its own: put the device on a track in it";
    }
    if (Number(value("is_frozen")) === 1) {
        return "the track is frozen: unfreeze it first";
    }
    if (wanted === "midi" && Number(value("has_midi_input")) !== 1) {
        return "this is an audio track: drums need a MIDI track";
    }
    if (wanted === "audio" && Number(value("has_audio_input")) !== 1) {
        return "this is a MIDI track: tracks and stems need an audio track";
    }
    return "";
}

function is_free(path, row) {
    return at(path + " clip_slots " + row) && Number(value("has_clip")) === 0;
}

function rows() {
    at("live_set");
    return cursor.getcount("scenes");
}

function chosen_row() {
    var found;
    if (!at("live_set view selected_scene")) {
        return 0;
    }
    found = /scenes (\d+)/.exec(cursor.unquotedpath);
    return found ? Number(found[1]) : 0;
}

// The first row from the chosen scene on, then from the top, that is free on all these tracks; a new one at need.
function free_row(paths) {
    var count = rows(), first = chosen_row(), step, row, each, free;
    for (step = 0; step < count; step += 1) {
        row = (first + step) % count;
        free = true;
        for (each = 0; each < paths.length; each += 1) {
            free = free && is_free(paths[each], row);
        }
        if (free) {
            return row;
        }
    }
    at("live_set");
    cursor.call("create_scene", -1);
    return count;
}

function begin_step() {
    at("live_set");
    if (can("begin_undo_step")) {
        cursor.call("begin_undo_step");
    }
}

function end_step() {
    at("live_set");
    if (can("end_undo_step")) {
        cursor.call("end_undo_step");
    }
}
