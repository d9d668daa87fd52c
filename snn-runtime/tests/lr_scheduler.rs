//! Learning-rate schedules. In: torch's recorded rates; out: ours are the same, and what cannot be worked with is told.

use snn_runtime::train::{
    Adam, AdamConfig, AnnealStrategy, CosineAnnealingLR, CosineAnnealingWarmRestarts, ExponentialLR, LRScheduler, LearningRate, LinearLR,
    MultiStepLR, OneCycleLR, Schedule, SequentialLR, StepLR,
};
use snn_runtime::{Device, nn};

/// The schedule of a line of the table.
fn schedule(name: &str) -> Box<dyn Schedule> {
    let cycle = OneCycleLR::new(0.4, 30);
    match name {
        "StepLR step_size=5 gamma=0.5" => Box::new(StepLR { step_size: 5, gamma: 0.5 }),
        "StepLR step_size=3" => Box::new(StepLR::new(3)),
        "MultiStepLR milestones=[3,7,7,12] gamma=0.3" => Box::new(MultiStepLR { milestones: vec![12, 3, 7, 7], gamma: 0.3 }),
        "MultiStepLR milestones=[0,0,5] gamma=0.5" => Box::new(MultiStepLR { milestones: vec![5, 0, 0], gamma: 0.5 }),
        "ExponentialLR gamma=0.9" => Box::new(ExponentialLR { gamma: 0.9 }),
        "LinearLR" => Box::new(LinearLR::default()),
        "LinearLR start_factor=0.1 end_factor=0.8 total_iters=10" => {
            Box::new(LinearLR { start_factor: 0.1, end_factor: 0.8, total_iters: 10 })
        }
        "CosineAnnealingLR T_max=10" => Box::new(CosineAnnealingLR::new(10)),
        "CosineAnnealingLR T_max=7 eta_min=0.01" => Box::new(CosineAnnealingLR { t_max: 7, eta_min: 0.01 }),
        "CosineAnnealingWarmRestarts T_0=6" => Box::new(CosineAnnealingWarmRestarts::new(6)),
        "CosineAnnealingWarmRestarts T_0=3 T_mult=2 eta_min=0.005" => {
            Box::new(CosineAnnealingWarmRestarts { t_0: 3, t_mult: 2, eta_min: 0.005 })
        }
        "OneCycleLR max_lr=0.4 total_steps=30" => Box::new(cycle),
        "OneCycleLR max_lr=0.4 total_steps=30 pct_start=0.45 anneal_strategy=linear div_factor=10 final_div_factor=100" => {
            let (div_factor, final_div_factor) = (10.0, 100.0);
            Box::new(OneCycleLR { pct_start: 0.45, anneal_strategy: AnnealStrategy::Linear, div_factor, final_div_factor, ..cycle })
        }
        "OneCycleLR max_lr=0.4 total_steps=30 pct_start=0.25 three_phase=True" => {
            Box::new(OneCycleLR { pct_start: 0.25, three_phase: true, ..cycle })
        }
        "SequentialLR [LinearLR start_factor=0.1 total_iters=4, CosineAnnealingLR T_max=20] milestones=[4]" => {
            let warm_up = LinearLR { start_factor: 0.1, total_iters: 4, ..LinearLR::default() };
            Box::new(SequentialLR::new(warm_up).then(4, CosineAnnealingLR::new(20)))
        }
        other => panic!("the table has `{other}`, which no schedule of ours is"),
    }
}

#[test]
fn rates_are_those_of_torch() {
    let lines = include_str!("fixtures/lr_scheduler.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut checked = 0;
    for line in lines {
        let (name, rates) = line.split_once('\t').unwrap();
        let schedule = schedule(name);
        schedule.check().unwrap();
        for (step, want) in rates.split(' ').enumerate() {
            let (got, want) = (schedule.lr(0.1, step as u64).unwrap(), want.parse::<f64>().unwrap());
            // torch multiplies the last rate on, and rounds at every step.
            assert!((got - want).abs() <= 1e-12 * want.max(1e-3), "{name}, step {step}: {got:?}, torch has {want:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 15 * 30);
}

/// An optimiser that only remembers.
#[derive(Default)]
struct Rates(Vec<f64>);

impl LearningRate for Rates {
    fn set_lr(&mut self, lr: f64) {
        self.0.push(lr);
    }
}

#[test]
fn a_scheduler_sets_the_rate_of_any_optimiser() {
    let mut rates = Rates::default();
    let mut scheduler = LRScheduler::new(StepLR::new(2), &mut rates, 1.0).unwrap();
    for _ in 0..3 {
        scheduler.step(&mut rates).unwrap();
    }
    assert_eq!(rates.0, [1.0, 1.0, 0.1, 0.1]);
    assert_eq!((scheduler.last_epoch(), scheduler.get_last_lr()), (3, 0.1));

    let vs = nn::VarStore::new(Device::Cpu);
    let _w = vs.root().ones("w", &[1]);
    let mut ours = Adam::new(&vs, AdamConfig::default()).unwrap();
    scheduler.set_last_epoch(0, &mut ours).unwrap();
    assert_eq!(ours.config().lr, 1.0);
    let mut theirs = nn::OptimizerConfig::build(nn::Sgd::default(), &vs, 5.0).unwrap();
    let mut scheduler = LRScheduler::new(ExponentialLR { gamma: 0.5 }, &mut theirs, 1.0).unwrap();
    scheduler.step(&mut theirs).unwrap();
    theirs.backward_step(&vs.trainable_variables()[0].sum(snn_runtime::Kind::Float));
    assert_eq!(vs.trainable_variables()[0].double_value(&[0]), 0.5, "1 - 0.5 * 1");
}

#[test]
fn a_milestone_of_0_counts_from_the_start() {
    let mut rates = Rates::default();
    let mut scheduler = LRScheduler::new(MultiStepLR::new([0u64, 5]), &mut rates, 1.0).unwrap();
    assert_eq!(scheduler.get_last_lr(), 0.1, "torch steps once when it makes a scheduler");
    scheduler.set_last_epoch(4, &mut rates).unwrap();
    let at_5 = scheduler.step(&mut rates).unwrap();
    assert!((at_5 - 0.01).abs() < 1e-12, "{at_5}");
    assert_eq!(rates.0, [0.1, 0.1, at_5]);
}

#[test]
fn the_longest_schedules_have_a_rate_at_every_step() {
    let rate = |t_max, step| CosineAnnealingLR { t_max, eta_min: 0.25 }.lr(1.0, step).unwrap();
    assert_eq!([rate(u64::MAX, 0), rate(u64::MAX, 3), rate(u64::MAX, u64::MAX)], [1.0, 1.0, 0.25]);
    assert_eq!([rate(1 << 63, 1 << 63), rate(1, u64::MAX)], [0.25, 0.25], "u64::MAX is odd");
    let restarts = CosineAnnealingWarmRestarts { t_0: u64::MAX, t_mult: 2, eta_min: 0.25 };
    assert_eq!(restarts.lr(1.0, u64::MAX).unwrap(), 1.0, "from the start");
}

#[test]
fn what_cannot_be_worked_with_is_named() {
    let say = |schedule: Box<dyn Schedule>| schedule.check().unwrap_err().to_string();
    let cycle = OneCycleLR::new(0.1, 10);
    assert_eq!(say(Box::new(StepLR::new(0))), "StepLR: `step_size` must be at least 1, but is 0");
    assert_eq!(say(Box::new(ExponentialLR { gamma: f64::NAN })), "ExponentialLR: `gamma` must be a number greater than 0, but is NaN");
    assert_eq!(say(Box::new(LinearLR { end_factor: 2.0, ..LinearLR::default() })), "LinearLR: `end_factor` must be at most 1, but is 2.0");
    assert_eq!(say(Box::new(CosineAnnealingLR::new(0))), "CosineAnnealingLR: `t_max` must be at least 1, but is 0");
    assert_eq!(
        say(Box::new(CosineAnnealingWarmRestarts { t_mult: 0, ..CosineAnnealingWarmRestarts::new(3) })),
        "CosineAnnealingWarmRestarts: `t_mult` must be at least 1, but is 0"
    );
    assert_eq!(say(Box::new(OneCycleLR { pct_start: 1.5, ..cycle })), "OneCycleLR: `pct_start` must be from 0 to 1, but is 1.5");
    let late = SequentialLR::new(StepLR::new(1)).then(0, StepLR::new(1));
    assert!(say(Box::new(late)).starts_with("SequentialLR: `milestone` must be later and later, and after 0"));

    let mut rates = Rates::default();
    assert!(LRScheduler::new(StepLR::new(1), &mut rates, -1.0).unwrap_err().to_string().contains("`base_lr` must be a number from 0 up"));
    let mut scheduler = LRScheduler::new(OneCycleLR::new(0.1, 2), &mut rates, 0.1).unwrap();
    scheduler.step(&mut rates).unwrap();
    let over = scheduler.step(&mut rates).unwrap_err().to_string();
    assert!(over.starts_with("OneCycleLR: `total_steps` is 2, and step 2 would be one more"), "{over}");
    assert_eq!((scheduler.last_epoch(), rates.0.len()), (1, 2), "nothing has changed");
}
