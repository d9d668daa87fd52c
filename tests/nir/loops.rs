// The NIR graph of loops.nir in steps of 0.001 seconds. Written by `cargo xtask nir import`.

use snn::{snn_net, snn_neuron};

snn_neuron! {
    /// NIR's `CubaLI` by Euler's method, from 0 on: tau_syn di/dt = -i + w_in x,
    /// tau_mem dv/dt = (v_leak - v) + r i; it sends v.
    pub neuron NirCubaLI {
        /// The length of a step in seconds.
        dt: f64 = 0.001 where dt > 0.0;
        buffer per channel tau_syn = 1.0;
        buffer per channel w_in = 1.0;
        buffer per channel tau_mem = 1.0;
        buffer per channel r = 1.0;
        buffer per channel v_leak = 1.0;
        state i = 0.0;

        step(x) {
            i = i + dt / tau_syn * (w_in * x - i);
            v = v + dt / tau_mem * (v_leak - v + r * i);
            v
        }
    }
}

snn_neuron! {
    /// NIR's `CubaLIF` by Euler's method, from 0 on: tau_syn di/dt = -i + w_in x,
    /// tau_mem dv/dt = (v_leak - v) + r i; a spike where v > v_threshold, then v = v_reset.
    pub neuron NirCubaLIF {
        /// The length of a step in seconds.
        dt: f64 = 0.001 where dt > 0.0;
        base soft;
        buffer per channel tau_syn = 1.0;
        buffer per channel w_in = 1.0;
        buffer per channel tau_mem = 1.0;
        buffer per channel r = 1.0;
        buffer per channel v_leak = 1.0;
        buffer per channel v_threshold = 1.0;
        buffer per channel v_reset = 1.0;
        state i = 0.0;

        step(x) {
            i = i + dt / tau_syn * (w_in * x - i);
            let h = v + dt / tau_mem * (v_leak - v + r * i);
            let s = 1.0 - spike(v_threshold - h); // strictly above
            let fired = if detach_reset { detach(s) } else { s };
            v = fired * v_reset + (1.0 - fired) * h;
            s
        }
    }
}

snn_neuron! {
    /// NIR's `I` by Euler's method, from 0 on: dv/dt = r x; it sends v.
    pub neuron NirI {
        /// The length of a step in seconds.
        dt: f64 = 0.001 where dt > 0.0;
        buffer per channel r = 1.0;

        step(x) {
            v = v + dt * r * x;
            v
        }
    }
}

snn_neuron! {
    /// NIR's `LI` by Euler's method, from 0 on: tau dv/dt = (v_leak - v) + r x; it sends v.
    pub neuron NirLI {
        /// The length of a step in seconds.
        dt: f64 = 0.001 where dt > 0.0;
        buffer per channel tau = 1.0;
        buffer per channel r = 1.0;
        buffer per channel v_leak = 1.0;

        step(x) {
            v = v + dt / tau * (v_leak - v + r * x);
            v
        }
    }
}

snn_neuron! {
    /// NIR's `Scale`: y = scale x.
    pub neuron NirScale {
        buffer per channel scale = 1.0;

        step(x) {
            v = scale * x;
            v
        }
    }
}

snn_neuron! {
    /// NIR's `Threshold`: 1 where x > threshold.
    pub neuron NirThreshold {
        base soft;
        buffer per channel threshold = 1.0;

        step(x) {
            v = x;
            1.0 - spike(threshold - x)
        }
    }
}

snn_net! {
    use self::NirCubaLI;
    use self::NirCubaLIF;
    use self::NirI;
    use self::NirLI;
    use self::NirScale;
    use self::NirThreshold;

    /// The NIR graph of loops.nir.
    pub net Loops(x: [T, 3]) -> (out: [T, 4], seen: [T, 4]) {
        T = 100;
        step_mode = 'm';

        fc: Linear(_, 4),
        // The loop over `back`: weights for what arrives (as it is), then for what comes back.
        cuba: LinearRecurrentContainer(NirCubaLIF(), 4, 4, bias = false),
        scale: NirScale(),
        // NIR's LIF fires strictly above 0.75: from the next `f32` on.
        lif: ElementWiseRecurrentContainer(LIFNode(tau = 5.0, v_threshold = 0.75000006), add),
        later: Delay(3),
        now: Identity(),
        li: NirLI(),
        above: NirThreshold(),
        i: NirI(),
        read: NirCubaLI(),

        forward(x) {
            let fc_y = fc(x);
            let cuba_y = cuba(fc_y);
            let scale_y = scale(cuba_y);
            let lif_y = lif(scale_y);
            let later_y = later(lif_y);
            let now_y = now(later_y);
            let li_y = li(now_y);
            let above_y = above(li_y);
            let i_y = i(li_y);
            let read_y = read(i_y);
            (read_y, above_y)
        }
    }
}
