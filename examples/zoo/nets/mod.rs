//! The model zoo: one file a net, each with its paper, its size, and the names of weights that SpikingJelly gives them.

mod csnn;
mod plif_net;
mod recurrent;
mod sew_resnet;
mod spikformer;
mod spiking_vgg;

pub(crate) use csnn::*;
pub(crate) use plif_net::*;
pub(crate) use recurrent::*;
pub(crate) use sew_resnet::*;
pub(crate) use spikformer::*;
pub(crate) use spiking_vgg::*;
