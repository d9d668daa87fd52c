//! Spikformer: attention made of spikes.

use snn::snn_net;

snn_net! {
    /// Convolution, normalisation, spikes; with a pool, half as high and wide.
    block ConvBnLif(c, pool: bool = false) {
        conv_bn: [block: if pool {
            [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_), MaxPool2d(3, stride = 2, padding = 1)]
        } else {
            [Conv2d(_, c, 3, padding = 1, bias = false), BatchNorm2d(_)]
        }],
        neuron: LIFNode(tau = 2.0),
    }

    /// Attention between all patches, then a perceptron for each patch; what each adds are spikes.
    block Encoder(c, heads) {
        attn: SpikingSelfAttention(c, num_heads = heads),
        mlp: [
            fc1: [Conv1d(_, 4 * c, 1, bias = false), BatchNorm1d(_)], neuron1: LIFNode(tau = 2.0),
            fc2: [Conv1d(_, c, 1, bias = false), BatchNorm1d(_)], neuron2: LIFNode(tau = 2.0),
        ],

        forward(x) {
            let y = add(x, attn(x));
            add(y, mlp(y))
        }
    }

    /// Patches of 4 x 4, each a column of `c` channels, plus a position that a convolution finds.
    block PatchStem(c) {
        stages: [ConvBnLif(c / 8), ConvBnLif(c / 4), ConvBnLif(c / 2, pool = true), ConvBnLif(c, pool = true)],
        positional_encoding: ConvBnLif(c),

        forward(x) {
            let y = stages(x);
            add(positional_encoding(y), y)
        }
    }

    /// Spikformer-4-384 for images of 32 x 32: Zhou et al., "Spikformer: When Spiking Neural Network Meets Transformer", ICLR 2023. `D` is the
    /// width, 384 in the paper.
    ///
    /// SpikingJelly equivalent: `model.spikformer.spikformer_cifar10()`, 9,310,906 parameters. (The paper says 9.32 million: it also counts
    /// biases in front of batch normalisations, which cancel them.)
    pub net Spikformer<const D: usize>(x: [3, 32, 32]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        detach_reset = true;

        patch_embed: PatchStem(D), Flatten(start_dim = 2),
        blocks: [Encoder(D, 12); 4],
        AdaptiveAvgPool1d(1), Flatten(), head: Linear(_, 10), MeanOverTime(),
    }
}
