// Moments for lights and visuals: beat, bar, section, and four beats before a drop, from the grid of what plays here.
// Live's position can be observed, too, but it tells a hundred times a second and inside a notification; so it is
// looked at, and only while the transport runs, a clip plays on this track, and the lights are on.
var LOOK_MS = 20, DROP_BEATS = 4, LOOKS_PER_SECOND = 50;

var looker = new Task(look, this);
var looks = 0, watched = "", marked = [];
var heard = {file: "", grid: null, beat: null, section: "", drop_s: -1};

function set_moments(on) {
    params.moments = on;
    look_while_playing();
}

function look_while_playing() {
    if (awake && params.moments && is_playing === 1 && playing_row >= 0) {
        looks = 0;
        looker.interval = LOOK_MS;
        looker.repeat();
    } else {
        looker.cancel();
        heard.beat = null;
    }
}

function look() {
    var time_s;
    // Once a second: the clip may be another, its markers moved.
    if (looks % LOOKS_PER_SECOND === 0 && !look_around()) {
        return;
    }
    looks += 1;
    if (heard.grid !== null && at(watched)) {
        time_s = file_time();
        tell_moments(heard.grid, time_s, beat_at(heard.grid, time_s));
    }
}

function look_around() {
    watched = slot_watch.unquotedpath + " clip_slots " + playing_row + " clip";
    if (!at(watched) || Number(value("is_audio_clip")) !== 1) {
        heard.beat = null;
        return false;
    }
    marked = markers();
    know_grid(String(value("file_path")));
    return true;
}

function know_grid(file) {
    if (file === heard.file) {
        return;
    }
    heard = {file: file, grid: null, beat: null, section: "", drop_s: -1};
    ask("/cratehand/track", [file], function (found) {
        if (heard.file === file) {
            heard.grid = grid_of(found);
        }
    }, function () {
        // A file that cratehand does not know has no moments.
        heard.grid = null;
    });
}

// Where in the file the clip is, in seconds: Live counts warped clips in beats.
function file_time() {
    var position = Number(value("playing_position")), found, each;
    if (Number(value("warping")) !== 1) {
        return position;
    }
    found = marked;
    each = 0;
    while (each + 2 < found.length && found[each + 1].beat_time <= position) {
        each += 1;
    }
    if (found.length < 2) {
        return position * 60 / heard.grid.anchors[0].tempo_bpm;
    }
    return found[each].sample_time + (position - found[each].beat_time)
        * (found[each + 1].sample_time - found[each].sample_time) / (found[each + 1].beat_time - found[each].beat_time);
}

function tell_moments(grid, time_s, beats) {
    // A hair before the beat counts as the beat: rounding must not tell it twice.
    var beat = Math.floor(beats + 0.001), per_bar = grid.beats_per_bar, section, in_bar;
    if (beat === heard.beat) {
        return;
    }
    heard.beat = beat;
    in_bar = ((beat % per_bar) + per_bar) % per_bar;
    outlet(TO_LIGHTS, ["/cratehand/live/beat", in_bar + 1, Math.floor(beat / per_bar) + 1]);
    if (in_bar === 0) {
        outlet(TO_LIGHTS, ["/cratehand/live/bar", Math.floor(beat / per_bar) + 1]);
    }
    section = section_at(grid, time_s + 0.02);
    if (section !== "" && section !== heard.section) {
        heard.section = section;
        outlet(TO_LIGHTS, ["/cratehand/live/section", section]);
    }
    tell_drop(grid, beat);
}

function section_at(grid, time_s) {
    var each;
    for (each = 0; each < grid.sections.length; each += 1) {
        if (grid.sections[each].start_s <= time_s && time_s < grid.sections[each].end_s) {
            return grid.sections[each].label;
        }
    }
    return "";
}

function tell_drop(grid, beat) {
    var each, left, section;
    for (each = 0; each < grid.sections.length; each += 1) {
        section = grid.sections[each];
        left = Math.round(beat_at(grid, section.start_s)) - beat;
        if (section.label === "drop" && left > 0 && left <= DROP_BEATS && heard.drop_s !== section.start_s) {
            heard.drop_s = section.start_s;
            outlet(TO_LIGHTS, ["/cratehand/live/drop", left]);
        }
    }
}
