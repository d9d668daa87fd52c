//! Neurons and surrogates of one's own: names, formulas, steps.

// Free of mistakes.
snn_neuron! {
    /// With all that the language has.
    pub neuron Full {
        tau: f64 = 2.0 where tau > 1.0 && tau < 100.0, "it counts steps";
        decay_input: bool = true;
        rise: Option<f64> = None;
        base { v_threshold = 0.5; v_reset = Some(0.1) where v_reset < v_threshold; }
        learn k = tau / 2.0;
        state w = 0.1;

        step(x) {
            let drive = if decay_input && x > 0.0 { x / tau } else { x * rise.unwrap_or(1.0) };
            let h = v + k * drive - w;
            let s = spike(h - v_threshold);
            w = w * 0.9 + s;
            v = if hard { reset(h, s) } else { h - s };
            s
        }
    }

    surrogate Bump {
        alpha: f64 = 2.0 where alpha > 0.0;
        primitive(x) { atan(PI / 2.0 * alpha * x) / PI + 0.5 }
    }
}

// Unknown names.
snn_neuron! {
    neuron A {
        tau: f64 = 2.0;
        base;
        step(x) {
            let h = v + x / tua;
//                          ^^^error{unknown name `tua`}
// help{did you mean `tau`?}
            let s = spike(h - v_treshold);
//                            ^^^^^^^^^^error{unknown name `v_treshold`}
// help{did you mean `v_threshold`?}
            v = reset(h, s);
            y
//          ^error{unknown name `y`}
        }
    }
}

// Unknown functions, and too many arguments.
snn_neuron! {
    neuron A {
        base;
        step(x) {
            let h = sigmiod(v) + exp(x, v);
//                  ^^^^^^^error{unknown function `sigmiod`}
// help{did you mean `sigmoid`?}
//                               ^^^^^^^^^error{`exp` takes 1 argument, but gets 2}
            let s = spik(h);
//                  ^^^^error{unknown function `spik`}
// help{did you mean `spike`?}
            v = reset(h);
//              ^^^^^^^^error{`reset` takes 2 or 3 arguments, but gets 1}
            h
        }
    }
}

// An unknown argument of `base`.
snn_neuron! {
    neuron A {
        base { v_treshold = 0.5; tau = 2.0; }
//             ^^^^^^^^^^error{`base` has no `v_treshold`}
// help{did you mean `v_threshold`?}
//                               ^^^error{`base` has no `tau`}
// help{an argument of its own stands before `base`: `name: f64 = ..;`}
        step(x) { v = v + x; v }
    }
}

// Three spikes.
snn_neuron! {
    neuron A {
        base;
        step(x) {
            let h = v + x;
            let s = spike(h - 1.0) + spike(h - 2.0) + spike(h - 3.0);
//                                                    ^^^^^^^^^^^^^^error{a step calls `spike` at most 2 times}
            v = reset(h, s);
            s
        }
    }
}

// A spike of a spike.
snn_neuron! {
    neuron A {
        base;
        step(x) {
            let s = spike(v + x - 1.0);
            let again = spike(v - s);
//                      ^^^^^^^^^^^^error{a spike cannot depend on another spike of the same step}
// help{let it depend on a state}
            v = reset(v + x, s);
            again
        }
    }
}

// States that are never assigned.
snn_neuron! {
    neuron A {
//         ^error{state `v` is never assigned}
// help{end the step with `v = reset(h, s);`}
        base;
        state w = 0.0;
//            ^error{state `w` is never assigned}
// help{write `w = ..;` in `step`}
        step(x) { spike(v + w + x - v_threshold) }
    }
}

// What is assigned is no state.
snn_neuron! {
    neuron A {
        base;
        step(x) {
            let h = v + x;
            h = h * 2.0;
//          ^error{only a state can be assigned to}
// help{declare it with `state h = ..;`, or write `let h = ..;`}
            w = h;
//          ^error{only a state can be assigned to}
// help{declare it with `state w = ..;`, or write `let w = ..;`}
            v = reset(h, spike(h - v_threshold));
            h
        }
    }
}

// No base.
snn_neuron! {
    neuron A {
        step(x) {
            let s = spike(v + x);
//                  ^^^^^^^^^^^^error{`spike` needs the surrogate function of `base`}
// help{add `base;` before `step`}
            v = reset(v, s);
            s
        }
    }
}

// Things that are no formula.
snn_neuron! {
    neuron A {
        on: bool = true;
        mode: Mode = Mode::Fast;
        base;
        step(x) {
            let a = x.exp() + 1 + on;
//                    ^^^error{`exp` is a function here, not a method}
// help{write `exp(x)`}
//                            ^error{a formula takes floats, but gets 1}
// help{write `1.0`}
//                                ^^error{`on` is true or false, not a number}
// help{choose with it: `if on { .. } else { .. }`}
            let b = x < 0.0;
//                  ^^^^^^^error{a comparison is not a number}
// help{choose with it: `if a < b { 1.0 } else { 0.0 }`}
            let c = if x > 0.0 { x };
//                  ^^error{`if` without `else` has no value}
// help{write `if .. { .. } else { .. }`}
            let d = [x, x];
//                  ^^^^^^error{`[x, x]` is not part of a formula}
// help{a formula has numbers, names, `+ - * /`, `if .. {} else {}`, and functions such as `exp(x)`}
            let e = mode;
//                  ^^^^error{`mode` is not a number}
// help{compare it: `if mode == .. { .. }`}
            let (f, g) = x;
//          ^^^^^^^^^^^^^^^error{`let` names one value}
// help{write `let h = ..;`}
            v = if mode < Mode::Slow { x } else { v };
//                 ^^^^^^^^^^^^^^^^^error{this argument is compared with `==` or `!=`}
            v
        }
    }
}

// A condition that is none.
snn_neuron! {
    neuron A {
        tau: f64 = 2.0;
        base;
        step(x) { v = if tau { x } else { v }; v }
//                       ^^^error{`tau` is not a condition}
// help{compare numbers, or name an argument of type `bool`}
    }
}

// Values missing at an end.
snn_neuron! {
    neuron A {
        base;
        step(x) {
            v = v + x;
        }
//      ^error{`step` ends without a value}
// help{end with it, without `;`}
    }

    neuron B {
        base;
        step(x) { }
//                ^error{`step` is empty}
// help{end with its value}
    }
}

// No step, and a member nobody knows.
snn_neuron! {
    neuron A {
        base;
        stpe(x) { v = x; x }
//      ^^^^error{a neuron has no member `stpe`}
// help{did you mean `step`?}
    }
}

// An argument without a type.
snn_neuron! {
    neuron A {
        tau = 2.0;
//      ^^^error{a neuron has no member `tau`}
// help{an argument has a type: `tau: f64 = ..;`}
        base;
        step(x) { v = v + x; v }
    }
}

// Names that are taken.
snn_neuron! {
    neuron A {
        rest: f64 = 0.0;
//      ^^^^error{`rest` is a word of the language}
// help{choose another name}
        tau: f64 = 2.0;
        tau: f64 = 3.0;
//      ^^^error{`tau` is declared twice}
// help{rename one of the two}
        base;
        learn k = 1.0;
        learn k = 2.0;
//            ^error{`k` is declared twice}
// help{rename one of the two}
        step(x) { v = v + x * tau * k * rest; v }
    }
}

// A start value that depends on what is learned.
snn_neuron! {
    neuron A {
        base;
        learn k = 1.0;
        state w = k;
//                ^error{a start value depends on arguments only, but `k` is learned}
        step(x) { w = w * k; v = v + x; w }
    }
}

// More states than fit.
snn_neuron! {
    neuron A {
//         ^error{`A` has 5 states, `v` included, but at most 4 fit}
        base;
        state a = 0.0;
        state b = 0.0;
        state c = 0.0;
        state d = 0.0;
        step(x) { a = x; b = a; c = b; d = c; v = d; v }
    }
}

// An argument for nothing.
snn_neuron! {
    neuron A {
        tau: f64 = 2.0;
//      ^^^warning{`tau` is never used}
        base;
        step(x) { v = v + x; v }
    }
}

// Sums.
snn_neuron! {
    neuron A {
        n: usize = 3;
        tau: f64 = 2.0;
        base;
        step(x) {
            let a = sum(1..n, |i| i * x);
            let b = sum(1..tau, |i| i * x);
//                         ^^^error{the end of a sum is a literal or an argument of type `usize`}
// help{write `sum(1..n, |i| ..)`}
            let c = sum(x, tau);
//                  ^^^error{`sum` takes a range and a closure}
// help{write `sum(1..n, |i| ..)`}
            v = a + b + c;
            v
        }
    }
}

// A surrogate without its derivative.
snn_neuron! {
    surrogate A {
//            ^error{surrogate `A` has no `derivative`}
// help{write `derivative(x) { .. }`}
        alpha: f64 = 2.0;
        spike(x) { x * alpha }
    }
}

// A misspelt function of a surrogate.
snn_neuron! {
    surrogate A {
        alpha: f64 = 2.0;
        derivativ(x) { x * alpha }
//      ^^^^^^^^^error{a surrogate has no member `derivativ`}
// help{did you mean `derivative`?}
    }
}

// A neuron without its step.
snn_neuron! {
    neuron A {
//         ^error{neuron `A` has no `step`}
// help{write `step(x) { .. }`}
        base;
    }
}

// The soft base has no reset value; a word after `base`, `base` twice.
snn_neuron! {
    neuron A {
        base soft { v_reset = None; }
//                  ^^^^^^^error{`base` has no `v_reset`}
// help{`base soft` has no reset value: leave out `soft`}
        step(x) { v = v + x; v }
    }

    neuron B {
        base hard;
//           ^^^^error{`base` is followed by `;`, `{ .. }` or `soft`, but gets `hard`}
        base;
        step(x) { v = v + x; v }
    }

    neuron C {
        base;
        base soft;
//      ^^^^error{`base` is written twice}
// help{remove one of the two}
        step(x) { v = v + x; v }
    }
}

// Neither of both.
snn_neuron! {
    neuro A {
//  ^^^^^error{expected `neuron` or `surrogate`, but got `neuro`}
// help{did you mean `neuron`?}
        base;
        step(x) { v = v + x; v }
    }

    layer B {
//  ^^^^^error{expected `neuron` or `surrogate`, but got `layer`}
// help{a neuron starts `neuron MyNode { .. }`}
        base;
        step(x) { v = v + x; v }
    }
}

// Tokens out of place.
snn_neuron! {
    neuron A {
        tau: f64 2.0;
//               ^^^error{expected `=`}
        base;
        learn per layer k = 1.0;
//                ^^^^^error{expected `per channel`, but got `per layer`}
        step(x, y) { v = v + x; v }
//            ^^^error{`step` has one input, but gets `, y`}
    }
}

// Half a formula.
snn_neuron! {
    neuron A {
        base;
        step(x) { v = v + ; v }
//                        ^error{expected an expression}
    }
}
